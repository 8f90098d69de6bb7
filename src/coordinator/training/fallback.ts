/**
 * What a run falls back to when it diverges: the state after the last epoch from which a further step could be computed.
 * Weights may be useless some steps before they cease to be finite, and checkpoints by steps would hold those.
 */

import { LockstepError } from '../../foundation/errors.js';
import { readCheckpoint } from '../checkpoints/checkpoint.js';
import type { Checkpoint } from '../checkpoints/checkpoint.js';
import { takeSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { CheckpointSnapshot } from '../checkpoints/checkpointSnapshot.js';
import { saveSnapshot, snapshotOf } from './trainingRun.js';
import type { TrainingRun, WallClock } from './trainingRun.js';

export class Fallback {
  /** Taken between two epochs; no step has been computed from it yet. */
  private candidate: CheckpointSnapshot | undefined;

  constructor(
    private readonly run: TrainingRun,
    private readonly clock: WallClock,
  ) {}

  /** To be called between two epochs, and before the first. */
  propose(): void {
    this.candidate = snapshotOf(this.run, this.clock, this.run.best);
  }

  /** To be called after each step that ended well. */
  confirm(): void {
    if (!this.candidate) return;
    saveSnapshot(this.run, 'epoch', this.candidate, 0);
    this.candidate = undefined;
  }
}

/** Makes the fallback the last checkpoint and the one before it. Does nothing if there is none. */
export async function fallBack(run: TrainingRun): Promise<void> {
  const { folder, recipe, model, onEvent } = run;
  const found = await readFallback(run);
  if (!found) return;
  const snapshot = takeSnapshot({ ...found, recipe }, model.layout);
  for (let copy = 0; copy < 2; copy++) {
    saveSnapshot(run, 'last', snapshot, 0);
    await folder.flush();
  }
  const { epoch, step } = found.progress;
  onEvent({
    event: 'notice',
    message:
      `the last checkpoint is now the state ${epoch === 0 ? 'before the first epoch' : `after epoch ${epoch}`} ` +
      `(step ${step}), which training could go on from. ` +
      'Resuming would take the same steps from there, at the same rate. Going on from it at another rate is not ' +
      'possible yet: begin a new run',
  });
}

async function readFallback({ folder }: TrainingRun): Promise<Checkpoint | undefined> {
  try {
    return await readCheckpoint(folder.checkpointFile('epoch'));
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_CHECKPOINT') return undefined; // none yet, or damaged
    throw error;
  }
}
