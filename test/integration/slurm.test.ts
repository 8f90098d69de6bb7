/** `lockstep launch` under a real Slurm: two nodes, a node that is drained, a job that is preempted, and one that is cancelled. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandNodeList } from '../../src/cli/cluster/nodeList.js';
import {
  killAll,
  readResult,
  REPOSITORY,
  run,
  temporaryFolder,
  until,
  untilStep,
} from './support/lockstep.js';
import { heldUntilSent } from './support/frozenRun.js';
import { NO_SLURM, startSlurm } from './support/slurmCluster.js';
import type { SlurmCluster } from './support/slurmCluster.js';

if (NO_SLURM !== undefined) console.warn(`SKIPPED: launch is tested under no Slurm: ${NO_SLURM}`);

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '400', '--val-size', '100'],
  ...['--batch-size', '48', '--micro-batch', '24', '--epochs', '4', '--patience', '0', '--engine', 'simd'],
];
const LAUNCH = [
  ...[process.execPath, path.join(REPOSITORY, 'bin', 'lockstep'), 'launch', ...RECIPE],
  ...[
    '--workers',
    '1',
    '--checkpoint-every',
    '5',
    '--resume',
    'auto',
    '--stop-signal',
    'USR1',
    '--min-workers',
    '2',
  ],
];
/** Only ends a test that would never end. */
const LIMIT_MS = 180_000;

/** The whole of a batch script: every task runs the same line. */
const script = (runDir: string, ...more: readonly string[]): readonly string[] => [
  `srun ${[...LAUNCH, '--run-dir', runDir, ...more].join(' ')}`,
  'echo "srun ended with $?"',
];

describe.skipIf(NO_SLURM !== undefined)('lockstep launch under Slurm', () => {
  let cluster: SlurmCluster;
  let undisturbed: string;
  let stop = (): Promise<void> => Promise.resolve();

  beforeAll(async () => {
    cluster = await startSlurm();
    stop = () => cluster.stop();
    const runDir = path.join(temporaryFolder(), 'undisturbed');
    const { exitCode, stderr } = await run(['train', ...RECIPE, '--workers', '2', '--run-dir', runDir]);
    expect([exitCode, stderr]).toEqual([0, '']);
    undisturbed = readResult(runDir).weightsSha256;
  });

  afterAll(async () => {
    await stop();
    killAll();
  });

  const untilOver = (job: string): Promise<void> =>
    until(`job ${job} is over`, () => ['COMPLETED', 'GONE'].includes(cluster.stateOf(job)), LIMIT_MS);

  /** Left to itself, Slurm begins a requeued job after two minutes. */
  const untilRunningAgain = (job: string, name: string): Promise<void> =>
    until(
      'it runs again',
      () => {
        cluster.trySlurm('scontrol', 'update', `jobid=${name}`, 'starttime=now');
        return cluster.stateOf(job) === 'RUNNING';
      },
      LIMIT_MS,
    );

  it.each(['n1', 'n[1-2,5]', 'n[08-11],login', 'rack[1-2]n[01-02,7]', 'a[3],b-[1-2]'])(
    'reads the list %s as Slurm itself does',
    (list) => {
      expect(expandNodeList(list)).toEqual(cluster.slurm('scontrol', 'show', 'hostnames', list).split('\n'));
    },
  );

  it('trains on two nodes', async () => {
    const runDir = path.join(cluster.folder, 'two-nodes');
    const job = cluster.submit(script(runDir), '--nodes=2', '--ntasks-per-node=1');
    await untilOver(job);
    const output = cluster.outputOf(job);
    expect(output).toContain(`rank 0 of 2 (slurm, job ${job})`);
    expect(output).toContain(`rank 1 of 2 (slurm, job ${job})`);
    expect(output).toMatch(/\+ \S+:rank1: 1 worker/);
    expect(output).toContain('srun ended with 0');
    expect(readResult(runDir)).toMatchObject({
      weightsSha256: undisturbed,
      exact: true,
      stoppedBy: 'epochs',
    });
  });

  it('goes on where it was after a node was drained and the job preempted, on other nodes', async () => {
    const runDir = path.join(cluster.folder, 'preempted');
    const asked = ['--nodes=2', '--ntasks-per-node=1', '--requeue', '--signal=USR1@60', '--array=7'];
    const job = cluster.submit(script(runDir, '--requeue'), ...asked);
    const nodesOf = (): string => cluster.slurm('squeue', '-h', '-j', job, '-o', '%N');
    await untilStep(runDir, 6);
    const [first] = expandNodeList(nodesOf())!;
    cluster.slurm('scontrol', 'update', `nodename=${first}`, 'state=drain', 'reason=test');
    let urgent = '';
    const preempt = (): void => {
      urgent = cluster.submit(['true'], '--partition=high', '--nodes=2', '--exclusive');
    };
    await heldUntilSent('SIGUSR1', runDir, preempt, LIMIT_MS);
    await until('the job waits again', () => cluster.stateOf(job) === 'PENDING', LIMIT_MS);
    await untilOver(urgent);
    await untilRunningAgain(job, `${job}_7`);
    expect(expandNodeList(nodesOf())).not.toContain(first);
    await untilOver(job);
    cluster.slurm('scontrol', 'update', `nodename=${first}`, 'state=resume');
    const output = cluster.outputOf(job);
    expect(output).toContain('SIGUSR1: saving, then stopping');
    expect(output).toContain('everything up to here is saved');
    expect(output).toMatch(/resum/);
    expect(readResult(runDir)).toMatchObject({
      weightsSha256: undisturbed,
      exact: true,
      stoppedBy: 'epochs',
    });
  });

  it('asks Slurm itself to requeue a task of an array after a warning', async () => {
    const runDir = path.join(cluster.folder, 'warned');
    const job = cluster.submit(script(runDir, '--requeue'), '--ntasks=1', '--requeue', '--array=3');
    await untilStep(runDir, 6);
    const warn = (): string => cluster.slurm('scancel', '--signal=USR1', `${job}_3`);
    await heldUntilSent('SIGUSR1', runDir, warn, LIMIT_MS);
    await until('the job waits again', () => cluster.stateOf(job) === 'PENDING', LIMIT_MS);
    expect(cluster.outputOf(job)).toContain(`rank 0 of 1 (slurm, job ${job}_3)`);
    expect(cluster.outputOf(job)).toContain(`asking Slurm to requeue job ${job}_3`);
    await untilRunningAgain(job, `${job}_3`);
    await untilOver(job);
    expect(readResult(runDir).weightsSha256).toBe(undisturbed);
  });

  it('saves when the job is cancelled, and stays out of the queue', async () => {
    const runDir = path.join(cluster.folder, 'cancelled');
    const job = cluster.submit(script(runDir, '--requeue'), '--nodes=2', '--ntasks-per-node=1', '--requeue');
    await untilStep(runDir, 6);
    await heldUntilSent('SIGTERM', runDir, () => cluster.slurm('scancel', job), LIMIT_MS);
    await until('it is cancelled', () => ['CANCELLED', 'GONE'].includes(cluster.stateOf(job)), LIMIT_MS);
    // srun ends at once and takes the output with it; the tasks go on until they have saved.
    const result = path.join(runDir, 'result.json');
    await until(
      'it has saved',
      () => existsSync(result) && readResult(runDir).stoppedBy === 'signal',
      LIMIT_MS,
    );
    expect(['CANCELLED', 'GONE']).toContain(cluster.stateOf(job));
    const again = await run(['train', '--resume', runDir, '--workers', '2']);
    expect(again.exitCode).toBe(0);
    expect(readResult(runDir).weightsSha256).toBe(undisturbed);
  });
});
