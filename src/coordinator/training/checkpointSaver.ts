/** Saves the state of a run as checkpoints, and reports each one. Training goes on whether or not saving succeeds. */

import type { ModelState } from '../../model/index.js';
import type { CheckpointName } from '../checkpoints/checkpointFiles.js';
import { takeSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { CheckpointSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { SaveOutcome } from '../checkpoints/checkpointWriter.js';
import type { RunFolder } from '../folder/runFolder.js';
import type { EventListener } from '../run/events.js';
import type { Training, TrainingData } from './trainingRun.js';
import type { WallClock } from './wallClock.js';

export interface CheckpointSaverOptions {
  readonly training: Training;
  readonly data: Pick<TrainingData, 'normalisation' | 'samples'>;
  readonly folder: RunFolder;
  readonly clock: WallClock;
  readonly onEvent: EventListener;
}

export class CheckpointSaver {
  constructor(private readonly options: CheckpointSaverOptions) {}

  /** Copies the state, starts writing it in the background, and returns. */
  save(name: 'last' | 'best'): void {
    const startedMs = performance.now();
    const snapshot = name === 'last' ? this.snapshot({ withBest: true }) : this.bestSnapshot();
    this.write(name, snapshot, performance.now() - startedMs);
  }

  /** Copies all that resuming needs. @param withBest whether to include the best weights so far, beside the current ones */
  snapshot({ withBest }: { readonly withBest: boolean }): CheckpointSnapshot {
    const { state } = this.options.training;
    return this.snapshotOf(state.model, withBest ? state.best : undefined);
  }

  /** The best checkpoint holds the best weights as its own. */
  private bestSnapshot(): CheckpointSnapshot {
    const { state } = this.options.training;
    return this.snapshotOf(state.best ?? state.model, undefined);
  }

  private snapshotOf(weights: ModelState, best: ModelState | undefined): CheckpointSnapshot {
    const { recipe, state, model } = this.options.training;
    const { normalisation, samples } = this.options.data;
    return takeSnapshot(
      {
        recipe,
        progress: { ...state.progress, wallSeconds: this.options.clock.seconds() },
        state: weights,
        velocity: state.velocity,
        best,
        averaged: state.averaged,
        normalisation: {
          mean: [...normalisation.mean],
          standardDeviation: [...normalisation.standardDeviation],
        },
        samples,
      },
      model,
    );
  }

  /** Starts writing the snapshot in the background. @param stallMs how long training stood still for the copy */
  write(name: CheckpointName, snapshot: CheckpointSnapshot, stallMs: number): void {
    const { step } = snapshot;
    this.options.folder.save(name, snapshot, (outcome) => this.report(outcome, { name, step, stallMs }));
  }

  private report(outcome: SaveOutcome, { name, step, stallMs }: SavedCheckpoint): void {
    const { folder, onEvent } = this.options;
    if (outcome.kind === 'failed') {
      const { error, failures, isKnown } = outcome;
      if (isKnown || !isPowerOfTwo(failures)) return; // warns clearly, without a flood of notices
      const soFar = failures > 1 ? ` (failure ${failures} in a row)` : '';
      const message =
        `THE CHECKPOINT OF STEP ${step} IS NOT SAVED${soFar}: ${error.message}. Earlier checkpoints are intact; ` +
        'training goes on, and saving is tried again with each checkpoint';
      return onEvent({ event: 'notice', message });
    }
    const { writeMs, byteCount, recovered } = outcome;
    onEvent({ event: 'checkpoint', step, file: folder.checkpointFile(name), stallMs, writeMs, byteCount });
    if (recovered) {
      onEvent({ event: 'notice', message: `checkpoints can be written again: step ${step} is saved` });
    }
  }
}

interface SavedCheckpoint {
  readonly name: CheckpointName;
  readonly step: number;
  readonly stallMs: number;
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}
