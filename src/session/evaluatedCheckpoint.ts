/** Which weights are meant by a checkpoint or a run folder that is to be evaluated. */

import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  CheckpointFiles,
  evaluatedWeights,
  readCheckpoint,
  UnusableCheckpoint,
} from '../coordinator/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { ModelState } from '../model/index.js';
import type { StoredCheckpoint } from '../coordinator/index.js';
import { foreignFile, refuseExportFolder } from './exportedWeights.js';
import { runsWithin } from './runsWithin.js';
import { count } from '../foundation/count.js';

export interface EvaluatedCheckpoint {
  readonly file: string;
  readonly checkpoint: StoredCheckpoint;
  /** The weights to evaluate, and the epoch after which they were such. */
  readonly state: ModelState;
  readonly epoch: number;
  /** What was wrong with the file that should have been read. */
  readonly damage: string | undefined;
}

/**
 * @param given a checkpoint file, or a run folder: then its best weights, else its last; of either, the newest that is not damaged
 * @throws LockstepError E_CHECKPOINT if there is none that can be used
 */
export async function readForEvaluation(given: string): Promise<EvaluatedCheckpoint> {
  if (!existsSync(given)) {
    throw new LockstepError(
      'E_CHECKPOINT',
      `there is no checkpoint ${given}; give a .safetensors file or a run folder`,
    );
  }
  if (!statSync(given).isDirectory()) return readGivenFile(given);
  const files = new CheckpointFiles(path.join(given, 'checkpoints'));
  const last = files.fileOf('last');
  const best = files.fileOf('best');
  if (!existsSync(best) && !files.exist()) refuseWithRunsOf(given);
  if (!existsSync(best)) return evaluated(await files.readNewest()); // a run without validation has no best
  try {
    return await readFileAsItIs(best);
  } catch (error) {
    if (!(error instanceof UnusableCheckpoint)) throw error;
    return readBestWithin(last, error);
  }
}

const MOST_RUNS_NAMED = 5;

/** A folder that holds no run, but perhaps some in folders of its own. */
function refuseWithRunsOf(folder: string): never {
  refuseExportFolder(folder);
  const runs = runsWithin(folder);
  const newest = runs.slice(0, MOST_RUNS_NAMED).join(', ');
  const remedy =
    runs.length === 0
      ? 'give a run folder, or a .safetensors file'
      : `give one of the ${count(runs.length, 'run')} in it, the last begun first: ${newest}${runs.length > MOST_RUNS_NAMED ? ', …' : ''}`;
  throw new LockstepError('E_CHECKPOINT', `${folder} holds no checkpoint of a run; ${remedy}`);
}

async function readGivenFile(file: string): Promise<EvaluatedCheckpoint> {
  try {
    return await readFileAsItIs(file);
  } catch (error) {
    throw (error instanceof UnusableCheckpoint ? foreignFile(file) : undefined) ?? error;
  }
}

async function readFileAsItIs(file: string): Promise<EvaluatedCheckpoint> {
  return evaluated({ file, checkpoint: await readCheckpoint(file), damage: undefined });
}

/** As in validation. The best checkpoint's own weights are the average of that moment. */
function evaluated(read: Pick<EvaluatedCheckpoint, 'file' | 'checkpoint' | 'damage'>): EvaluatedCheckpoint {
  const { recipe, state: current, averaged, progress } = read.checkpoint;
  const state = evaluatedWeights(recipe.averaging, { current, averaged });
  return { ...read, state, epoch: progress.epoch };
}

/** The last checkpoint holds the best weights, too. */
async function readBestWithin(last: string, damage: UnusableCheckpoint): Promise<EvaluatedCheckpoint> {
  const checkpoint = await readCheckpoint(last).catch(() => undefined);
  const epoch = checkpoint?.progress.earlyStopping.bestEpoch;
  if (!checkpoint?.best || typeof epoch !== 'number') throw damage;
  return { file: last, checkpoint, state: checkpoint.best, epoch, damage: damage.fault };
}
