/** The files of a run folder, and the check whether a new run may use a folder. */

import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describeError } from '../../foundation/errors.js';
import { advice, OptionError } from '../../foundation/options/optionError.js';
import { CheckpointFiles } from '../checkpoints/checkpointFiles.js';
import { ioError, removeTemporaries } from '../checkpoints/files.js';
import { obstacleAt } from '../checkpoints/obstacle.js';
import { hasLock } from './folderLock.js';

export const CONFIG = 'config.json';
export const METRICS = 'metrics.jsonl';
export const RESULT = 'result.json';
export const CHECKPOINTS = 'checkpoints';
/** What the services that keep the run's curves call it. */
export const TRACKERS = 'trackers.json';
/** One for each session; TensorBoard takes them in the order of their names. */
export const TENSORBOARD_FILE = /^events\.out\.tfevents\.(\d{10})\.lockstep$/;

/** @throws LockstepError E_RUN_EXISTS if the folder holds a run with a checkpoint or a result, or files of anything else */
export function refuseIfWorthKeeping(folder: string): void {
  const has = (name: string): boolean => existsSync(path.join(folder, name));
  const taken = [CONFIG, METRICS, RESULT, CHECKPOINTS].find(has);
  if (taken === undefined) {
    if (!hasLock(folder)) refuseIfNotEmpty(folder); // with a lock, a run began there and died before it made a file
    return;
  }
  // A run makes its checkpoints folder first, then config.json and metrics.jsonl. A lone config.json is not of a run.
  const isOfARun = has(CHECKPOINTS) && (!has(CONFIG) || has(METRICS) || hasLock(folder));
  if (isOfARun && !has(RESULT) && holdsNothing(path.join(folder, CHECKPOINTS))) return;
  const canBeResumed = holdsRunToResume(folder);
  throw new OptionError(
    [`${folder} holds a run already (${taken})`],
    [
      ...(canBeResumed ? [advice('continue it with ', { option: 'resume', value: folder })] : []),
      advice('choose another ', { option: 'runDir' }),
    ],
    'E_RUN_EXISTS',
  );
}

/** Whether a run lies in the folder that has saved something. */
export function holdsRunToResume(folder: string): boolean {
  return new CheckpointFiles(path.join(folder, CHECKPOINTS)).exist();
}

/** Files that a file system or a tool may put into any folder. */
const IGNORED = /^(\.|lost\+found$)/;
const LOCK = 'run.lock';
const CHOOSE_EMPTY = advice('choose a new or an empty one with ', { option: 'runDir' });

/** @throws LockstepError E_RUN_EXISTS if the folder holds files that are not a run's: they would mix with the run's own */
function refuseIfNotEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw ioError(folder, error);
    throw new OptionError(
      [`${folder} is a file, and a run needs a folder of its own`],
      [CHOOSE_EMPTY],
      'E_RUN_EXISTS',
    );
  }
  const foreign = names.find((name) => !IGNORED.test(name) && !name.startsWith(LOCK));
  if (foreign === undefined) return;
  throw new OptionError(
    [`${folder} is not empty (${foreign}), and a run needs a folder of its own`],
    [CHOOSE_EMPTY],
    'E_RUN_EXISTS',
  );
}

/**
 * What can be told of a folder before it is made, so that nobody waits for data first.
 * @throws LockstepError E_IO
 */
export function refuseIfUnwritable(folder: string): void {
  const obstacle = obstacleAt(folder);
  if (!obstacle) return;
  throw new OptionError(
    [`the run cannot be kept in ${folder}: ${describeError(obstacle)}`],
    [
      advice('make that a folder that can be written to'),
      advice('choose another one with ', { option: 'runDir' }),
    ],
    'E_IO',
    { cause: obstacle },
  );
}

/** Whether the folder exists and holds at most unfinished files. */
function holdsNothing(checkpoints: string): boolean {
  try {
    return readdirSync(checkpoints).every((name) => name.endsWith('.tmp'));
  } catch {
    return false; // not a folder, or not readable
  }
}

/** Removes what a run that died early, or could not begin, left behind. */
export async function removeRemains(folder: string): Promise<void> {
  removeTemporaries(folder, [CONFIG, RESULT, TRACKERS]);
  const eventFiles = readdirSync(folder).filter((name) => TENSORBOARD_FILE.test(name));
  for (const name of [CHECKPOINTS, CONFIG, METRICS, TRACKERS, ...eventFiles])
    await rm(path.join(folder, name), { recursive: true, force: true });
}
