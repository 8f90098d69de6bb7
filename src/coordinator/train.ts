/**
 * The training loop: plan → all-reduce → update → record, and at the end of each epoch evaluate → remember the best →
 * save → perhaps stop. Every step is a transaction: until all its gradients are there, nothing has changed.
 */

import { planEpoch, stepsPerEpoch } from '../data/index.js';
import type { ImageSet, Normalisation, StepPlan, TrainingSplit } from '../data/index.js';
import { digestState } from '../model/index.js';
import type { Model, ModelState } from '../model/index.js';
import { encodeCheckpoint } from './checkpoint.js';
import type { Recipe } from './config.js';
import { divergedError } from './divergence.js';
import { observeAccuracy, patienceIsOver } from './earlyStopping.js';
import { evaluate } from './evaluate.js';
import type { EvaluationScore } from './evaluate.js';
import type { EventListener, TestScore } from './events.js';
import type { Fleet } from './fleet.js';
import { computeGradient } from './gradientRound.js';
import { learningRateAt } from './learningRate.js';
import type { ScheduleContext } from './learningRate.js';
import type { Member } from './member.js';
import { emptyTotals } from './progress.js';
import type { RunResult, StopReason } from './result.js';
import type { CheckpointName, RunFolder } from './runFolder.js';
import type { TrainingState } from './trainingState.js';

export interface TrainingRun {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly set: ImageSet;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
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

/** Trains until the epochs, the patience, the steps or the user's end; saves; returns what result.json holds. */
export async function train(run: TrainingRun): Promise<RunResult> {
  const clock = new WallClock(run);
  let stoppedBy: StopReason;
  try {
    await saveCheckpoint(run, clock, 'last'); // from now on the run can be resumed, whatever happens
    await run.fleet.waitForWorkers(run.minWorkers, run.signal);
    stoppedBy = await trainEpochs(run, clock);
  } catch (error) {
    if (error !== run.signal.reason) {
      // The weights are those after the last whole step, whatever went wrong in this one.
      await saveCheckpoint(run, clock, 'last').catch(() => undefined);
      await run.folder.flush().catch(() => undefined);
      throw error;
    }
    stoppedBy = 'signal';
  }
  await saveCheckpoint(run, clock, 'last');
  await run.folder.flush();
  return finish(run, clock, stoppedBy);
}

async function trainEpochs(run: TrainingRun, clock: WallClock): Promise<StopReason> {
  const { recipe, state, split, signal } = run;
  // Asked before each epoch: a run that was killed between its last checkpoint and its result ends here, too.
  while (!patienceIsOver(state.progress.earlyStopping, recipe.patience)) {
    const { epoch } = state.progress;
    if (epoch >= recipe.epochs) return 'epochs';
    const { steps } = planEpoch({
      trainingIndices: split.training,
      seed: recipe.seed,
      epoch,
      batchSize: recipe.batchSize,
      microBatchSize: recipe.microBatch,
    });
    for (const step of steps.slice(state.progress.stepInEpoch)) {
      if (recipe.maxSteps !== null && state.progress.step >= recipe.maxSteps) return 'max-steps';
      signal.throwIfAborted();
      await trainStep(run, step);
      if (state.progress.step % run.checkpointEvery === 0) await saveCheckpoint(run, clock, 'last');
    }
    await finishEpoch(run, clock);
  }
  return 'patience';
}

async function trainStep(run: TrainingRun, plan: StepPlan): Promise<void> {
  const { recipe, state, model, set, fleet, signal } = run;
  const { step, epoch } = state.progress;
  const startedMs = performance.now();
  const gradient = await computeGradient(fleet, {
    recipe,
    layout: model.layout,
    set,
    step,
    epoch,
    plan,
    state: state.broadcast(),
    signal,
    onContribution: (member) => recordContribution(run, member),
  });
  const lr = learningRateAt(step, scheduleOf(run));
  state.update(gradient.total, lr, recipe);
  const stepMs = performance.now() - startedMs;
  const samples = plan.sampleCount;
  countStep(state, gradient, samples, stepMs / 1000);
  run.onEvent({
    event: 'step',
    step: step + 1,
    epoch: epoch + 1,
    lr,
    loss: gradient.lossSum / samples,
    accuracy: gradient.correct / samples,
    samples,
    imagesPerSecond: samples / (stepMs / 1000),
    stepMs,
    coordinationMs: stepMs - gradient.workersMs,
  });
}

function countStep(
  state: TrainingState,
  { lossSum, correct }: { lossSum: number; correct: number },
  samples: number,
  seconds: number,
): void {
  const { progress } = state;
  const totals = progress.epochTotals;
  state.progress = {
    ...progress,
    step: progress.step + 1,
    stepInEpoch: progress.stepInEpoch + 1,
    stepSeconds: progress.stepSeconds + seconds,
    images: progress.images + samples,
    epochTotals: {
      lossSum: totals.lossSum + lossSum,
      correct: totals.correct + correct,
      samples: totals.samples + samples,
      seconds: totals.seconds + seconds,
    },
  };
}

/** Evaluates, remembers the best weights, moves on to the next epoch, saves. */
async function finishEpoch(run: TrainingRun, clock: WallClock): Promise<void> {
  const { state, split, set, fleet, signal } = run;
  const score: EvaluationScore | undefined =
    split.validation.length > 0
      ? await evaluate(fleet, {
          set,
          indices: split.validation,
          state: state.broadcast(),
          signal,
          onContribution: (member) => recordContribution(run, member),
        })
      : undefined;
  if (score && !Number.isFinite(score.loss)) {
    throw divergedError(`the validation loss of epoch ${state.progress.epoch + 1}`, run.recipe);
  }
  const { progress } = state;
  const { epochTotals: totals } = progress;
  const epoch = progress.epoch + 1;
  const earlyStopping = score
    ? observeAccuracy(progress.earlyStopping, epoch, score.accuracy)
    : progress.earlyStopping;
  const best = earlyStopping.bestEpoch === epoch;
  state.progress = { ...progress, epoch, stepInEpoch: 0, epochTotals: emptyTotals(), earlyStopping };
  if (best) {
    run.best = state.snapshot();
    await saveCheckpoint(run, clock, 'best');
  }
  await saveCheckpoint(run, clock, 'last');
  run.onEvent({
    event: 'epoch',
    epoch,
    step: progress.step,
    lr: learningRateAt(progress.step - 1, scheduleOf(run)),
    trainLoss: totals.lossSum / totals.samples,
    trainAccuracy: totals.correct / totals.samples,
    validationLoss: score?.loss ?? null,
    validationAccuracy: score?.accuracy ?? null,
    imagesPerSecond: totals.samples / totals.seconds,
    wallSeconds: clock.seconds(),
    best,
    weightsSha256: digestState(state.model),
  });
}

async function finish(run: TrainingRun, clock: WallClock, stoppedBy: StopReason): Promise<RunResult> {
  const { state, folder, onEvent } = run;
  const lastWeightsSha256 = digestState(state.model);
  const trainedToTheEnd = stoppedBy === 'epochs' || stoppedBy === 'patience';
  if (trainedToTheEnd && run.best) state.restore(run.best);
  const test = trainedToTheEnd ? await testOnce(run) : undefined;
  const { progress } = state;
  const contributors = Object.entries(progress.contributors);
  const result: RunResult = {
    weightsSha256: digestState(state.model),
    lastWeightsSha256,
    stepsCompleted: progress.step,
    epochsCompleted: progress.epoch,
    bestEpoch: progress.earlyStopping.bestEpoch,
    bestValidationAccuracy: progress.earlyStopping.bestAccuracy,
    imagesPerSecond: progress.stepSeconds > 0 ? progress.images / progress.stepSeconds : 0,
    wallSeconds: clock.seconds(),
    engine: [...new Set(contributors.map(([, { engine }]) => engine))].sort().join('+'),
    numericsClasses: contributors.map(([numericsClass]) => numericsClass).sort(),
    exact: contributors.length === 1 && contributors[0]![1].exact,
    dataset: run.recipe.dataset,
    stoppedBy,
    testAccuracy: test?.testAccuracy ?? null,
    testLoss: test?.testLoss ?? null,
  };
  await folder.writeResult(result);
  onEvent({ event: 'run-finished', ...result });
  return result;
}

/** The test set is looked at once, when the weights are final. */
async function testOnce(run: TrainingRun): Promise<TestScore | undefined> {
  if (!run.openTestSet) return undefined;
  const set = await run.openTestSet();
  const indices = Uint32Array.from({ length: set.sampleCount }, (_, index) => index);
  const { signal, fleet, state } = run;
  const score = await evaluate(fleet, { set, indices, state: state.broadcast(), signal });
  const test = { testLoss: score.loss, testAccuracy: score.accuracy, testSamples: score.samples };
  run.onEvent({ event: 'test', ...test });
  return test;
}

function recordContribution({ state, onEvent }: TrainingRun, { hello }: Member): void {
  const { contributors } = state.progress;
  if (contributors[hello.numericsClass]) return;
  const others = Object.keys(contributors);
  state.progress = {
    ...state.progress,
    contributors: { ...contributors, [hello.numericsClass]: { engine: hello.engine, exact: hello.exact } },
  };
  if (others.length === 0) return;
  onEvent({
    event: 'notice',
    message:
      `workers of different numerics classes take part (${[...others, hello.numericsClass].join(', ')}): ` +
      'the weights will depend on who computed what, and the result says exact: false',
  });
}

function scheduleOf({ recipe, split }: TrainingRun): ScheduleContext {
  const { schedule: kind, milestones, gamma, lr, warmupEpochs, epochs, batchSize } = recipe;
  const schedule = kind === 'multistep' ? { kind, milestones, gamma } : { kind };
  return {
    schedule,
    lr,
    warmupEpochs,
    epochs,
    stepsPerEpoch: stepsPerEpoch(split.training.length, batchSize),
  };
}

function saveCheckpoint(run: TrainingRun, clock: WallClock, name: CheckpointName): Promise<void> {
  const { recipe, state, model, normalisation, folder } = run;
  const bytes = encodeCheckpoint(
    {
      recipe,
      progress: { ...state.progress, wallSeconds: clock.seconds() },
      state: state.model,
      velocity: state.velocity,
      normalisation: {
        mean: [...normalisation.mean],
        standardDeviation: [...normalisation.standardDeviation],
      },
    },
    model.layout,
  );
  run.onEvent({ event: 'checkpoint', step: state.progress.step, file: folder.checkpointFile(name) });
  return folder.save(name, bytes);
}

/** Time of this sitting and of those before it. */
class WallClock {
  private readonly startedMs = performance.now();
  private readonly earlierSeconds: number;

  constructor({ state }: TrainingRun) {
    this.earlierSeconds = state.progress.wallSeconds;
  }

  seconds(): number {
    return this.earlierSeconds + (performance.now() - this.startedMs) / 1000;
  }
}
