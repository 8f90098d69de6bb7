/** A process of a job that is not rank 0: it finds rank 0, and attaches to it. */

import { hostname } from 'node:os';
import type { Command } from 'commander';
import { LockstepError } from '../../foundation/errors.js';
import { coordinatorUrl } from '../../session/index.js';
import type { WorkerSettings } from '../../session/index.js';
import type { Whereabouts } from '../../worker/index.js';
import { noSharedFolder } from '../cluster/noSharedFolder.js';
import type { JobPlace } from '../cluster/jobPlace.js';
import { lookUntil, readAddress, readToken, tokenFileOf } from '../cluster/rendezvous.js';
import { LAUNCH_OPTIONS } from '../options/optionTable.js';
import { beginsAnew, schedulerOf } from '../options/runOptions.js';
import { resolveTrainingOptions } from '../options/trainingOptions.js';
import { listenForStop } from '../process/stopSignal.js';
import { resolveToken } from '../token/token.js';
import { attachNode } from './attachNode.js';
import { say } from './attaching.js';
import { DEFAULT_PORT, inUrl, runDirOf, workersOf } from './launchOptions.js';
import type { LaunchOptions } from './launchOptions.js';

/** @returns the process's exit code */
export async function attachRank(command: Command, place: JobPlace): Promise<number> {
  const runDir = runDirOf(command, place);
  beginsAnew(command); // whether a run is there matters to rank 0 alone
  const training = resolveTrainingOptions(command, LAUNCH_OPTIONS);
  const options = command.opts<LaunchOptions & WorkerSettings>();
  const scheduler = schedulerOf(command) ?? {};
  const stop = listenForStop((signal) => say(`${signal}: stopping`), say, scheduler);
  const look = whereaboutsFor({ command, place, runDir });
  let found: Whereabouts;
  try {
    found = await findRankZero(look, { runDir, forMs: options.retryFor * 1000, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) return stop.exitCode() ?? 1;
    throw error;
  } finally {
    stop.dispose();
  }
  const { engine, numerics, device, tune, precision } = training;
  const { tlsCert, heartbeatTimeout, retryFor } = options;
  return attachNode({
    ...{ engine, numerics, device, tune, precision, heartbeatTimeout, retryFor, scheduler },
    ...found,
    locate: runDir === undefined ? look : lookUnlessEnded(look, runDir),
    threads: Math.max(1, workersOf(training, place)),
    isThreadsGiven: training.given.has('workers'),
    name: `${hostname()}:rank${place.rank}`,
    ca: tlsCert === undefined ? undefined : { option: 'tlsCert', file: tlsCert },
  });
}

interface Search {
  readonly command: Command;
  readonly place: JobPlace;
  readonly runDir: string | undefined;
}

/** What rank 0 has left in the run folder; what is missing there is as the line and the environment say. */
function whereaboutsFor({ command, place, runDir }: Search): () => Whereabouts | undefined {
  const options = command.opts<LaunchOptions>();
  const secret = resolveToken(options);
  if (secret === undefined && runDir === undefined) throw noSharedFolder();
  const scheme = options.tlsCert === undefined ? 'ws' : 'wss';
  const { host, port } = place;
  const expected =
    host === undefined ? undefined : coordinatorUrl(`${scheme}://${inUrl(host)}:${port ?? DEFAULT_PORT}`);
  return () => {
    const published = runDir === undefined ? undefined : readAddress(runDir);
    const token = secret ?? readToken(runDir!);
    const url = published === undefined ? expected : coordinatorUrl(published.href);
    return token === undefined || url === undefined ? undefined : { url, token };
  };
}

/** Rank 0 takes back what it has left in the run folder when the run has ended, and not before. */
function lookUnlessEnded(
  look: () => Whereabouts | undefined,
  runDir: string,
): () => Whereabouts | 'ended' | undefined {
  let wasThere = false;
  return () => {
    const isThere = readAddress(runDir) !== undefined;
    wasThere ||= isThere;
    return wasThere && !isThere ? 'ended' : look();
  };
}

async function findRankZero(
  look: () => Whereabouts | undefined,
  { runDir, forMs, signal }: { runDir: string | undefined; forMs: number; signal: AbortSignal },
): Promise<Whereabouts> {
  const found = look();
  if (found) return found;
  if (runDir !== undefined) say(`waiting for rank 0, which leaves its secret in ${tokenFileOf(runDir)}`);
  const later = await lookUntil(look, { forMs, signal });
  if (later) return later;
  throw new LockstepError(
    'E_CONNECTION',
    `rank 0 did not say where it is${runDir === undefined ? '' : ` in ${runDir}`} for ${forMs / 1000} s; see that it runs and that all ranks share that folder, or give --coordinator and a secret with LOCKSTEP_TOKEN or --token-file`,
  );
}
