/** A Slurm of three nodes on this host, all of it in one temporary folder; only root can run it as its own user. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import { freePort, startProgram, temporaryFolder, until } from './lockstep.js';
import type { Running } from './lockstep.js';

/** Debian's daemons are not on everybody's path. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'scontrol'];
/** Only ends what would never end. */
const LIMIT_MS = 120_000;

/** Why there can be no Slurm here; undefined if there can. */
export const NO_SLURM =
  process.getuid?.() !== 0
    ? 'only root can start a Slurm of its own'
    : PROGRAMS.some((name) => spawnSync('which', [name], { env: { ...process.env, PATH } }).status !== 0)
      ? 'no Slurm is installed (bash scripts/setup-slurm.sh)'
      : undefined;

export interface SlurmCluster {
  /** A new folder for scripts and output. */
  readonly folder: string;
  /** Runs one of Slurm's programs to its end. @returns what it printed @throws Error if it fails */
  slurm(program: string, ...args: readonly string[]): string;
  /** The same; @returns an empty text if it fails */
  trySlurm(program: string, ...args: readonly string[]): string;
  /** @returns the job's id */
  submit(script: readonly string[], ...options: readonly string[]): string;
  /** Such as `RUNNING`; `GONE` once Slurm has forgotten the job. */
  stateOf(job: string): string;
  outputOf(job: string): string;
  stop(): Promise<void>;
}

export async function startSlurm(): Promise<SlurmCluster> {
  const folder = temporaryFolder();
  chmodSync(folder, 0o711);
  const env = { PATH, SLURM_CONF: path.join(folder, 'slurm.conf') };
  for (const name of ['state', 'log', 'munge']) mkdirSync(path.join(folder, name), { mode: 0o711 });
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  writeFileSync(env.SLURM_CONF, configuration(folder, ports));
  const socket = await startMunge(folder, env);
  const slurm = (program: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
    return stdout.trim();
  };
  const daemons = [startProgram('slurmctld', ['-D', '-f', env.SLURM_CONF], env)];
  const answers = (): boolean => quietly(() => slurm('scontrol', 'ping')).includes(' UP');
  await Promise.race([until('slurmctld answers', answers, LIMIT_MS), failure(daemons[0]!)]);
  for (const node of NODES) daemons.push(startProgram('slurmd', ['-D', '-N', node], env));
  const idle = (): string => quietly(() => slurm('sinfo', '-h', '-t', 'idle', '-o', '%D', '-p', 'low'));
  await until('all nodes are idle', () => idle() === String(NODES.length), LIMIT_MS);
  const stateOf = (job: string): string =>
    quietly(() => slurm('squeue', '-h', '-j', job, '-t', 'all', '-o', '%T')) || 'GONE';
  const outputFile = (job: string): string => path.join(folder, `out-${job}.txt`);
  return {
    folder,
    slurm,
    trySlurm: (...command) => quietly(() => slurm(...command)),
    stateOf,
    submit: (script, ...options) => {
      const file = path.join(folder, `job-${randomBytes(4).toString('hex')}.sh`);
      writeFileSync(file, ['#!/bin/bash', ...script, ''].join('\n'), { mode: 0o755 });
      const output = ['--open-mode=append', `--output=${path.join(folder, 'out-%A.txt')}`];
      return slurm('sbatch', '--parsable', ...output, ...options, file);
    },
    outputOf: (job) => quietly(() => readFileSync(outputFile(job), 'utf8')),
    stop: async () => {
      quietly(() => slurm('scancel', '--user=root', '--full', '--signal=KILL'));
      quietly(() => slurm('scancel', '--user=root'));
      await until('no job is left', () => quietly(() => slurm('squeue', '-h')) === '', LIMIT_MS);
      for (const daemon of daemons.reverse()) await ended(daemon);
      await ended(socket);
    },
  };
}

const NODES = ['n1', 'n2', 'n3'];

async function startMunge(folder: string, env: Readonly<Record<string, string>>): Promise<Running> {
  const file = (name: string): string => path.join(folder, 'munge', name);
  writeFileSync(file('key'), randomBytes(1024), { mode: 0o600 });
  const files = {
    'key-file': 'key',
    socket: 'socket',
    'pid-file': 'pid',
    'log-file': 'log',
    'seed-file': 'seed',
  };
  const options = Object.entries(files).map(([option, name]) => `--${option}=${file(name)}`);
  const daemon = startProgram('munged', ['--foreground', '--force', ...options], env);
  const answers = (): boolean =>
    spawnSync('munge', ['-S', file('socket'), '-n'], { env: { ...process.env, ...env } }).status === 0;
  await until('munged answers', answers, LIMIT_MS);
  return daemon;
}

/** Rejects if the daemon ends by itself. */
async function failure(daemon: Running): Promise<never> {
  const { exitCode, stdout, stderr } = await daemon.finished;
  throw new Error(`${daemon.child.spawnfile} ended with ${exitCode}: ${stdout}${stderr}`);
}

async function ended(daemon: Running): Promise<void> {
  daemon.kill('SIGTERM');
  await daemon.finished;
}

function quietly(ask: () => string): string {
  try {
    return ask();
  } catch {
    return '';
  }
}

function configuration(folder: string, [controller, ...nodes]: readonly number[]): string {
  const host = hostname();
  const file = (name: string): string => path.join(folder, name);
  return [
    'ClusterName=lockstep',
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${controller}`,
    ...['SlurmUser=root', 'SlurmdUser=root', 'AuthType=auth/munge', 'CredType=cred/munge'],
    `AuthInfo=socket=${file('munge/socket')}`,
    `StateSaveLocation=${file('state')}`,
    `SlurmdSpoolDir=${file('spool-%n')}`,
    `SlurmctldPidFile=${file('slurmctld.pid')}`,
    `SlurmdPidFile=${file('slurmd-%n.pid')}`,
    `SlurmctldLogFile=${file('log/slurmctld')}`,
    `SlurmdLogFile=${file('log/slurmd-%n')}`,
    ...['ProctrackType=proctrack/pgid', 'TaskPlugin=task/none', 'MpiDefault=none', 'SwitchType=switch/none'],
    ...['SelectType=select/cons_tres', 'SelectTypeParameters=CR_CPU', 'SlurmdParameters=config_overrides'],
    ...['JobAcctGatherType=jobacct_gather/none', 'AccountingStorageType=accounting_storage/none'],
    ...['ReturnToService=2', 'SlurmdTimeout=300', 'KillWait=30', 'JobRequeue=1'],
    // A job of higher priority sends those below it back into the queue, after the signal that they asked for.
    ...[
      'PreemptType=preempt/partition_prio',
      'PreemptMode=REQUEUE',
      'SlurmctldParameters=preempt_send_user_signal',
    ],
    ...nodes.map(
      (port, index) =>
        `NodeName=${NODES[index]} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=2 State=UNKNOWN`,
    ),
    'PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=60 State=UP',
    'PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF State=UP',
    '',
  ].join('\n');
}
