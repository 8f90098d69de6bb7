/**
 * The state that a run returns to when it diverges: the state after the last epoch from which a further step could be
 * computed. Weights can be useless several steps before they are no longer finite, so the last checkpoint will not do.
 */

import { LockstepError } from '../../foundation/errors.js';
import { readCheckpoint } from '../checkpoints/checkpoint.js';
import type { Checkpoint } from '../checkpoints/checkpoint.js';
import { takeSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { CheckpointSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { RunFolder } from '../folder/runFolder.js';
import type { EventListener } from '../run/events.js';
import type { CheckpointSaver } from './checkpointSaver.js';
import type { Training } from './trainingRun.js';

export interface FallbackOptions {
  readonly training: Pick<Training, 'recipe' | 'model'>;
  readonly folder: RunFolder;
  readonly saver: CheckpointSaver;
  readonly onEvent: EventListener;
}

export class Fallback {
  /** Taken between two epochs. No step has been computed from it yet. */
  private candidate: CheckpointSnapshot | undefined;

  constructor(private readonly options: FallbackOptions) {}

  /** Call it between two epochs, and before the first. */
  propose(): void {
    this.candidate = this.options.saver.snapshot({ withBest: true });
  }

  /** Call it after each successful step. */
  confirm(): void {
    if (!this.candidate) return;
    this.options.saver.write('epoch', this.candidate, 0);
    this.candidate = undefined;
  }

  /**
   * Replaces the last two checkpoints by the fallback. Does nothing if there is none.
   * @throws LockstepError E_IO
   */
  async restore(): Promise<void> {
    const { training, folder, saver, onEvent } = this.options;
    const found = await readFallback(folder);
    if (!found) return;
    const snapshot = takeSnapshot({ ...found, recipe: training.recipe }, training.model);
    for (let copy = 0; copy < 2; copy++) {
      saver.write('last', snapshot, 0);
      await folder.flush();
    }
    const { epoch, step } = found.progress;
    onEvent({
      event: 'notice',
      message:
        `the last checkpoint is now the state ${epoch === 0 ? 'before the first epoch' : `after epoch ${epoch}`} ` +
        `(step ${step}), which training could go on from. ` +
        'Resuming would take the same steps from there, at the same rate. Resuming at another rate is not ' +
        'possible yet: begin a new run',
    });
  }
}

async function readFallback(folder: RunFolder): Promise<Checkpoint | undefined> {
  try {
    return await readCheckpoint(folder.checkpointFile('epoch'));
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_CHECKPOINT') return undefined; // none yet, or damaged
    throw error;
  }
}
