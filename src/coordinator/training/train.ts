/**
 * The training loop: plan → all-reduce → update → record, and at the end of each epoch evaluate → remember the best →
 * save → perhaps stop. Every step is a transaction: until all its gradients are there, nothing has changed.
 */

import { planEpoch } from '../../data/index.js';
import type { StepPlan } from '../../data/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { digestState } from '../../model/index.js';
import { divergedError } from './divergence.js';
import { observeAccuracy, patienceIsOver } from '../run/earlyStopping.js';
import { evaluate } from './evaluate.js';
import type { EvaluationScore } from './evaluate.js';
import { fallBack, Fallback } from './fallback.js';
import { finishRun } from './finishRun.js';
import { computeGradient } from './gradientRound.js';
import { learningRateAt } from './learningRate.js';
import type { Member } from '../fleet/member.js';
import { checkProgress, emptyTotals } from '../run/progress.js';
import type { RunResult, StopReason } from '../run/result.js';
import { recordContribution, saveCheckpoint, scheduleOf, WallClock } from './trainingRun.js';
import { tensorRulesOf } from './tensorRules.js';
import type { TrainingRun } from './trainingRun.js';
import type { TrainingState } from './trainingState.js';

/** Trains until the epochs, the patience, the steps or the user's end; saves; returns what result.json holds. */
export async function train(run: TrainingRun): Promise<RunResult> {
  checkProgress(run.state.progress, { ...scheduleOf(run), batchSize: run.recipe.batchSize });
  const clock = new WallClock(run);
  const fallback = new Fallback(run, clock);
  let stoppedBy: StopReason;
  try {
    await saveFirst(run, clock);
    await run.fleet.waitForWorkers(run.minWorkers, run.signal);
    stoppedBy = await trainEpochs(run, clock, fallback);
  } catch (error) {
    if (error !== run.signal.reason) {
      await rescue(run, clock, error);
      throw error;
    }
    stoppedBy = 'signal';
  }
  saveCheckpoint(run, clock, 'last');
  await run.folder.flush();
  return finishRun(run, clock, stoppedBy);
}

/** From now on the run can be resumed, whatever happens. One that is resumed could be before: it goes on without room. */
async function saveFirst(run: TrainingRun, clock: WallClock): Promise<void> {
  const { folder } = run;
  const couldBeResumed = folder.checkpoints.exist();
  saveCheckpoint(run, clock, 'last');
  try {
    await folder.flush();
  } catch (error) {
    const isFull = error instanceof LockstepError && error.code === 'E_IO';
    if (!couldBeResumed || !isFull) throw error; // else a notice was given
  }
}

/** Saves the weights after the last whole step, whatever went wrong in this one; weights that have exploded are undone. */
async function rescue(run: TrainingRun, clock: WallClock, error: unknown): Promise<void> {
  const code = error instanceof LockstepError ? error.code : undefined;
  if (code === 'E_RUN_EXISTS') return; // the folder is another process's by now
  const hasDiverged = code === 'E_DIVERGED';
  if (!hasDiverged) saveCheckpoint(run, clock, 'last');
  try {
    await run.folder.flush();
    if (hasDiverged) await fallBack(run);
  } catch {
    // A notice was given; what went wrong first matters more.
  }
}

async function trainEpochs(run: TrainingRun, clock: WallClock, fallback: Fallback): Promise<StopReason> {
  const { recipe, state, split, signal } = run;
  // Asked before each epoch: a run that was killed between its last checkpoint and its result ends here, too.
  while (!patienceIsOver(state.progress.earlyStopping, recipe.patience)) {
    const { epoch } = state.progress;
    if (epoch >= recipe.epochs) return 'epochs';
    if (state.progress.stepInEpoch === 0) fallback.propose();
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
      fallback.confirm();
      if (state.progress.step % run.checkpointEvery === 0) saveCheckpoint(run, clock, 'last');
    }
    await finishEpoch(run, clock);
  }
  return 'patience';
}

async function trainStep(run: TrainingRun, plan: StepPlan): Promise<void> {
  const { recipe, state, model, set, fleet, signal } = run;
  const { step, epoch } = state.progress;
  const startedMs = performance.now();
  const contributors = new Set<Member>();
  const gradient = await computeGradient(fleet, {
    recipe,
    layout: model.layout,
    set,
    step,
    epoch,
    plan,
    state: state.broadcast(),
    buffers: state.gradientBuffers,
    signal,
    onContribution: (member) => contributors.add(member),
  });
  const lr = learningRateAt(step, scheduleOf(run));
  state.update(gradient.total, lr, recipe, tensorRulesOf(model));
  if (!state.isFinite()) throw divergedError(`a weight after step ${step + 1}`, recipe);
  for (const member of contributors) recordContribution(run, member);
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
  const startedMs = performance.now();
  const contributors = new Set<Member>();
  const score: EvaluationScore | undefined =
    split.validation.length > 0
      ? await evaluate(fleet, {
          set,
          indices: split.validation,
          state: state.broadcast(),
          signal,
          divergence: () =>
            divergedError(`the validation loss of epoch ${state.progress.epoch + 1}`, run.recipe),
          onContribution: (member) => contributors.add(member),
        })
      : undefined;
  const validationSeconds = score ? (performance.now() - startedMs) / 1000 : 0;
  for (const member of contributors) recordContribution(run, member);
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
    saveCheckpoint(run, clock, 'best');
  }
  saveCheckpoint(run, clock, 'last');
  run.onEvent({
    event: 'epoch',
    epoch,
    step: progress.step,
    lr: learningRateAt(progress.step - 1, scheduleOf(run)),
    trainLoss: totals.lossSum / totals.samples,
    trainAccuracy: totals.correct / totals.samples,
    validationLoss: score?.loss ?? null,
    validationAccuracy: score?.accuracy ?? null,
    validationSeconds,
    imagesPerSecond: totals.samples / totals.seconds,
    wallSeconds: clock.seconds(),
    best,
    weightsSha256: digestState(state.model),
  });
}
