/** What the processes of a job do: the only one trains, rank 0 coordinates, the others attach to it. */

import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { isLoopback, refuseUnusable } from '../../coordinator/index.js';
import { flagName } from '../../foundation/commandLine.js';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { keptCoordinatorSettings, openDoor, refuseSharedSecret, tlsFrom } from '../../session/index.js';
import type { ListenOptions, SessionOptions, TrainingOptions } from '../../session/index.js';
import { isOnOneHost } from '../cluster/jobPlace.js';
import type { JobPlace } from '../cluster/jobPlace.js';
import { makeToken, publishAddress, tokenFileOf, withdraw } from '../cluster/rendezvous.js';
import { noSharedFolder } from '../cluster/noSharedFolder.js';
import { requeueJob } from '../cluster/requeue.js';
import { launchError } from '../cluster/variables.js';
import { coordinatorSettingsOf } from '../options/coordinatorSettings.js';
import { dataDirArguments } from '../options/dataDir.js';
import { LAUNCH_OPTIONS } from '../options/optionTable.js';
import { readTextFile } from '../options/readTextFile.js';
import { sessionOptionsOf, schedulerOf, settleResume } from '../options/runOptions.js';
import { resolveTrainingOptions } from '../options/trainingOptions.js';
import { announceJoin } from '../token/joinNotice.js';
import { joinArguments, joinOf } from '../token/joinOptions.js';
import { resolveToken } from '../token/token.js';
import { pageOf } from './coordinator.js';
import { DEFAULT_PORT, inUrl, runDirOf, workersOf } from './launchOptions.js';
import type { LaunchOptions } from './launchOptions.js';
import { trainInTerminal } from './terminalSession.js';
import type { TerminalOptions } from './terminalSession.js';

/** Threads of this process are there or will not come. */
const LOCAL_WAIT_MS = 30_000;
export async function trainAlone(command: Command, place: JobPlace): Promise<number> {
  const { given, session, terminal } = settledOptions(command, place);
  const coordinatorSettings =
    session.resume === undefined ? {} : await keptCoordinatorSettings(session.resume);
  const options: SessionOptions = {
    ...session,
    training: { ...given, workers: Math.max(1, workersOf(given, place)) },
    minWorkers: 1,
    waitTimeoutMs: LOCAL_WAIT_MS,
    coordinatorSettings,
    prepareDoor: undefined,
  };
  return trainInTerminal(options, { ...terminal, command: 'train', options: dataDirArguments(given) });
}

export async function coordinateJob(command: Command, place: JobPlace): Promise<number> {
  const runDir = runDirOf(command, place);
  const { given, session, terminal } = settledOptions(command, place);
  const options = command.opts<LaunchOptions>();
  const secret = resolveToken(options);
  if (secret === undefined && runDir === undefined) throw noSharedFolder();
  const [page, join] = [pageOf(command), joinOf(command)];
  refuseSharedSecret(join.token, { token: secret, uiToken: page?.viewToken });
  const door = await doorOf(command, place);
  const sessionOptions: SessionOptions = {
    ...session,
    training: { ...given, workers: workersOf(given, place) },
    minWorkers: options.minWorkers,
    waitTimeoutMs: options.waitTimeout * 1000,
    noWorkersRemedy: 'see why the other ranks did not come, or wait longer with --wait-timeout',
    coordinatorSettings: {
      ...coordinatorSettingsOf(command),
      listen: `${door.host}:${door.port}`,
      tokenSource: 'given',
    },
    prepareDoor: async () => {
      // The folder is known to be free by now, or held by this process.
      const token = secret ?? makeToken(runDir!);
      const tokenFile = options.tokenFile ?? (secret === undefined ? tokenFileOf(runDir!) : undefined);
      await refuseUnusable({ ...door, token });
      return {
        engine: undefined,
        open: async (...run) => {
          const opened = await openDoor(...run, { ...door, token, tokenFile, page, join });
          if (runDir !== undefined) publishAddress(runDir, opened.url);
          const say = (message: string): void => run[2].say(message);
          const { json } = terminal;
          if (opened.join)
            announceJoin({ join: opened.join, hasLivePage: page !== undefined, qr: false, json, say });
          return opened;
        },
      };
    },
  };
  const exitCode = await trainInTerminal(sessionOptions, {
    ...terminal,
    command: 'launch',
    noteOnResuming: 'start it as before, in each process; the first line with --resume auto does the same.',
    options: { ...dataDirArguments(given), ...argumentsOf(options), ...joinArguments(command) },
  });
  if (exitCode === 0 && runDir !== undefined) withdraw(runDir);
  return exitCode;
}

function settledOptions(
  command: Command,
  place: JobPlace,
): {
  readonly given: TrainingOptions;
  readonly session: Pick<SessionOptions, 'runDir' | 'resume' | 'test'>;
  readonly terminal: Omit<TerminalOptions, 'command' | 'options'>;
} {
  const runDir = runDirOf(command, place);
  const isResumedIfThere = settleResume(command, runDir);
  const given = resolveTrainingOptions(command, LAUNCH_OPTIONS);
  const { json, ...session } = sessionOptionsOf(command);
  // Started by hand, alone, it is as "train".
  const scheduler = schedulerOf(command) ?? (place.kind === 'alone' ? undefined : {});
  return {
    given,
    session: session.resume === undefined ? { ...session, runDir: session.runDir ?? runDir } : session,
    terminal: {
      json,
      isResumedIfThere,
      scheduler,
      onStopped: requeueing(command, place, scheduler?.warning),
    },
  };
}

/** Only after a warning: a job that its user cancels gets SIGTERM. */
function requeueing(
  command: Command,
  { requeueId }: JobPlace,
  stopSignal: NodeJS.Signals | undefined,
): TerminalOptions['onStopped'] {
  const { requeue = false } = command.opts<LaunchOptions>();
  if (!requeue) return undefined;
  if (stopSignal === undefined)
    throw launchError(
      '--requeue needs to know the signal by which Slurm warns',
      'give it with --stop-signal, such as USR1',
    );
  return async (cause, say) => {
    if (cause !== stopSignal) return;
    if (requeueId === undefined)
      return say('--requeue has no effect: SLURM_JOB_ID names no job that could be requeued');
    // Said before: Slurm may end this process before it can say what became of the request.
    say(`asking Slurm to requeue job ${requeueId}`);
    say(await requeueJob(requeueId));
  };
}

type JobDoor = Omit<ListenOptions, 'token' | 'tokenFile' | 'page' | 'join'>;

async function doorOf(command: Command, place: JobPlace): Promise<JobDoor> {
  const { tlsCert, tlsKey, maxNodes, heartbeatTimeout } = command.opts<LaunchOptions>();
  const tls = tlsFrom({ cert: tlsCert, key: tlsKey, insecure: false }, (file, option) =>
    readTextFile(flagName(option), file),
  );
  const host = await knownHost(place);
  const isLocal = isOnOneHost(place) || isLoopback(host);
  return {
    host: isLocal ? '127.0.0.1' : '0.0.0.0',
    port: place.port ?? DEFAULT_PORT,
    tls,
    tlsCertFile: tlsCert,
    advertise: isLocal && tls === undefined ? undefined : inUrl(host),
    insecure: tls === undefined,
    maxNodes,
    heartbeatTimeoutMs: heartbeatTimeout * 1000,
  };
}

/** A scheduler's name of this host need not be one that the network knows. */
async function knownHost({ host }: JobPlace): Promise<string> {
  if (host === undefined) return hostname();
  return lookup(host).then(
    () => host,
    () => hostname(),
  );
}

function argumentsOf({ tokenFile }: LaunchOptions): CommandOptions {
  return tokenFile === undefined ? {} : { tokenFile };
}
