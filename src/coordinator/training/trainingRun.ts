/** Everything that one training run works with, and the few things that its parts have in common. */

import { stepsPerEpoch } from '../../data/index.js';
import type { ImageSet, Normalisation, SampleDigests, TrainingSplit } from '../../data/index.js';
import type { Model, ModelState } from '../../model/index.js';
import type { CheckpointName } from '../checkpoints/checkpointFiles.js';
import { takeSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { CheckpointSnapshot } from '../checkpoints/checkpointSnapshot.js';
import type { SaveOutcome } from '../checkpoints/checkpointWriter.js';
import type { Recipe } from '../run/recipe.js';
import { withContributor } from '../run/contributors.js';
import type { EventListener } from '../run/events.js';
import type { Fleet } from '../fleet/fleet.js';
import type { ScheduleContext } from './learningRate.js';
import type { Member } from '../fleet/member.js';
import type { RunFolder } from '../folder/runFolder.js';
import type { TrainingState } from './trainingState.js';

export interface TrainingRun {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly set: ImageSet;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
  /** Of the samples of `split`. */
  readonly samples: SampleDigests;
  readonly state: TrainingState;
  /** The best weights so far, if an earlier sitting has found them. */
  best: ModelState | undefined;
  readonly fleet: Fleet;
  readonly folder: RunFolder;
  readonly checkpointEvery: number;
  /** Workers to wait for before the first step. */
  readonly minWorkers: number;
  /** Opened only when all training is done; undefined leaves the test set alone. */
  readonly openTestSet: (() => Promise<ImageSet>) | undefined;
  readonly onEvent: EventListener;
  /** Aborted when the user wants to stop: the step in progress is dropped, everything before it saved. */
  readonly signal: AbortSignal;
}

export function scheduleOf({ recipe, split }: TrainingRun): ScheduleContext {
  return { ...recipe, stepsPerEpoch: stepsPerEpoch(split.training.length, recipe.batchSize) };
}

/** Copies the state, begins the write and returns; training goes on whatever becomes of it. */
export function saveCheckpoint(run: TrainingRun, clock: WallClock, name: 'last' | 'best'): void {
  const startedMs = performance.now();
  // The best checkpoint is the best itself.
  const snapshot = snapshotOf(run, clock, name === 'last' ? run.best : undefined);
  saveSnapshot(run, name, snapshot, performance.now() - startedMs);
}

/** A copy of the state, with all that resuming needs. */
export function snapshotOf(
  { recipe, state, model, normalisation, samples }: TrainingRun,
  clock: WallClock,
  best: ModelState | undefined,
): CheckpointSnapshot {
  return takeSnapshot(
    {
      recipe,
      progress: { ...state.progress, wallSeconds: clock.seconds() },
      state: state.model,
      velocity: state.velocity,
      best,
      normalisation: {
        mean: [...normalisation.mean],
        standardDeviation: [...normalisation.standardDeviation],
      },
      samples,
    },
    model.layout,
  );
}

/** @param stallMs how long training stood still for the copy */
export function saveSnapshot(
  run: TrainingRun,
  name: CheckpointName,
  snapshot: CheckpointSnapshot,
  stallMs: number,
): void {
  const { step } = snapshot;
  run.folder.save(name, snapshot, (outcome) => reportSave(run, outcome, { name, step, stallMs }));
}

function reportSave(
  { folder, onEvent }: TrainingRun,
  outcome: SaveOutcome,
  { name, step, stallMs }: { readonly name: CheckpointName; readonly step: number; readonly stallMs: number },
): void {
  if (outcome.kind === 'failed') {
    const { error, failures, isKnown } = outcome;
    if (isKnown || !isPowerOfTwo(failures)) return; // loud, and no flood
    const soFar = failures > 1 ? ` (failure ${failures} in a row)` : '';
    const message =
      `THE CHECKPOINT OF STEP ${step} IS NOT SAVED${soFar}: ${error.message}. What was saved before is intact; ` +
      'training goes on, and saving is tried again with each checkpoint';
    return onEvent({ event: 'notice', message });
  }
  const { writeMs, byteCount, recovered } = outcome;
  onEvent({ event: 'checkpoint', step, file: folder.checkpointFile(name), stallMs, writeMs, byteCount });
  if (recovered)
    onEvent({ event: 'notice', message: `checkpoints can be written again: step ${step} is saved` });
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}

/** Takes note of who computed what is now part of the run; several numerics classes are worth a warning. */
export function recordContribution({ state, onEvent }: TrainingRun, { hello }: Member): void {
  const before = state.progress.contributors;
  const contributors = withContributor(before, hello.numericsClass, hello);
  if (contributors === before) return;
  state.progress = { ...state.progress, contributors };
  const classes = Object.keys(contributors);
  if (classes.length === 1 || classes.length === Object.keys(before).length) return;
  onEvent({
    event: 'notice',
    message:
      `workers of different numerics classes take part (${classes.join(', ')}): ` +
      'the weights will depend on who computed what, and the result says exact: false',
  });
}

/** Time of this sitting and of those before it. */
export class WallClock {
  private readonly startedMs = performance.now();
  private readonly earlierSeconds: number;

  constructor({ state }: TrainingRun) {
    this.earlierSeconds = state.progress.wallSeconds;
  }

  seconds(): number {
    return this.earlierSeconds + (performance.now() - this.startedMs) / 1000;
  }
}
