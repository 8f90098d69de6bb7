/**
 * The training loop. A step: plan → all-reduce → update → record. An epoch: its steps → evaluate → keep the best → save.
 * A step changes nothing until all its gradients are there, so an interrupted step leaves the state as it was.
 */

import { planEpoch } from '../../data/index.js';
import type { StepPlan } from '../../data/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { digestState } from '../../model/index.js';
import type { Hello } from '../../protocol/index.js';
import type { RunFolder } from '../folder/runFolder.js';
import { patienceIsOver } from '../run/earlyStopping.js';
import { checkNetworkFitsData, checkRecipeFitsImages, checkRecipeFitsSamples } from '../run/fit.js';
import type { EventListener, RunEvent } from '../run/events.js';
import { checkProgress } from '../run/progress.js';
import type { TrainingProgress } from '../run/progress.js';
import type { Recipe } from '../run/recipe.js';
import { RECIPE_OPTIONS } from '../run/recipeOptions.js';
import type { RunResult, StopReason } from '../run/result.js';
import { Shares } from '../run/shares.js';
import type { NodeShare } from '../run/shares.js';
import { CheckpointSaver } from './checkpointSaver.js';
import { divergedError } from './divergence.js';
import { EarlySigns } from './earlySigns.js';
import { evaluate } from './evaluate.js';
import type { EvaluationScore } from './evaluate.js';
import { Fallback } from './fallback.js';
import { finishRun } from './finishRun.js';
import { computeGradient } from './gradientRound.js';
import { learningRateAt, scheduleOf, totalStepsOf } from './learningRate.js';
import type { ScheduleContext } from './learningRate.js';
import { tensorRulesOf } from './tensorRules.js';
import type { TensorRules } from './tensorRules.js';
import type { TrainingRun } from './trainingRun.js';
import type { TrainingState } from './trainingState.js';
import { WallClock } from './wallClock.js';

/**
 * Trains until the last epoch or step, until the patience is over, or until `signal` is aborted. Saves checkpoints on the
 * way and the result at the end.
 * @returns what result.json holds
 * @throws LockstepError E_DIVERGED, E_NO_WORKERS, E_IO, E_CHECKPOINT, E_RUN_EXISTS
 */
export async function train(run: TrainingRun): Promise<RunResult> {
  const { training, data, storage, crew, control } = run;
  const { recipe, model, state } = training;
  const { folder } = storage;
  checkNetworkFitsData(model, data.set.name, data.set);
  checkRecipeFitsImages(recipe, data.set);
  checkRecipeFitsSamples(recipe, data.split.training.length);
  const schedule = scheduleOf(recipe, data.split.training.length);
  const { stepsPerEpoch } = schedule;
  const totalSteps = totalStepsOf(schedule);
  checkProgress(state.progress, { stepsPerEpoch, totalSteps, batchSize: recipe.batchSize });
  const clock = new WallClock(state.progress.wallSeconds);
  const saver = new CheckpointSaver({ training, data, folder, clock, onEvent: control.onEvent });
  const fallback = new Fallback({ training, folder, saver, onEvent: control.onEvent });
  const shares = new Shares();
  let stoppedBy: StopReason;
  try {
    await saveFirst(folder, saver);
    await crew.fleet.waitForWorkers(crew.minWorkers, control.signal);
    const rules = tensorRulesOf(model, recipe);
    const signs = new EarlySigns(
      model,
      (message) => control.onEvent({ event: 'notice', message }),
      recipe.init !== RECIPE_OPTIONS.init.default,
    );
    stoppedBy = await trainEpochs(run, { schedule, rules, clock, saver, fallback, shares, signs });
  } catch (error) {
    if (error !== control.signal.reason) {
      await saveAfterError(error, { folder, saver, fallback });
      throw error;
    }
    stoppedBy = 'signal';
  }
  saver.save('last');
  await folder.flush();
  return finishRun({ training, data, folder, clock, fleet: crew.fleet, control }, stoppedBy);
}

interface LoopTools {
  readonly schedule: ScheduleContext;
  readonly rules: TensorRules;
  readonly clock: WallClock;
  readonly saver: CheckpointSaver;
  readonly fallback: Fallback;
  readonly shares: Shares;
  readonly signs: EarlySigns;
}

async function trainEpochs(
  run: TrainingRun,
  { schedule, rules, clock, saver, fallback, shares, signs }: LoopTools,
): Promise<StopReason> {
  const { recipe, state } = run.training;
  const { split } = run.data;
  const { signal } = run.control;
  const totalSteps = totalStepsOf(schedule);
  // Checked before each epoch: a run that was killed between its last checkpoint and its result ends here too.
  while (!patienceIsOver(state.progress.earlyStopping, recipe.patience)) {
    if (isAtEnd(state.progress, totalSteps)) return 'epochs';
    if (state.progress.stepInEpoch === 0) fallback.propose();
    for (const plan of remainingSteps(recipe, split.training, state.progress, totalSteps)) {
      if (recipe.maxSteps !== null && state.progress.step >= recipe.maxSteps) return 'max-steps';
      signal.throwIfAborted();
      await trainStep(run, plan, { schedule, rules, shares, signs });
      fallback.confirm();
      if (state.progress.step % run.storage.checkpointEvery === 0) saver.save('last');
    }
    const { epochTotals } = state.progress;
    const validation = split.validation.length > 0 ? await validate(run) : undefined;
    const best = state.completeEpoch(validation?.score.accuracy, recipe.averaging);
    if (best) saver.save('best');
    saver.save('last');
    const { epoch, step } = state.progress;
    const lr = learningRateAt(step - 1, schedule);
    const wallSeconds = clock.seconds();
    const workers = shares.take();
    const completed = { epoch, step, lr, epochTotals, validation, best, wallSeconds, workers };
    run.control.onEvent(epochEvent(completed, digestState(state.model)));
  }
  return 'patience';
}

/** The last epoch, which may be cut short, is completed first. A resumed run may have more steps than are asked for now. */
function isAtEnd({ step, stepInEpoch }: TrainingProgress, totalSteps: number): boolean {
  return step > totalSteps || (step === totalSteps && stepInEpoch === 0);
}

/** Of this epoch; the last one is cut after the last step of the run. */
function remainingSteps(
  { seed, batchSize, microBatch, dropLast }: Recipe,
  trainingIndices: Uint32Array,
  { epoch, stepInEpoch, step }: TrainingProgress,
  totalSteps: number,
): readonly StepPlan[] {
  const options = { trainingIndices, seed, epoch, batchSize, microBatchSize: microBatch, dropLast };
  const left = Math.max(0, totalSteps - step);
  return planEpoch(options).steps.slice(stepInEpoch, stepInEpoch + left);
}

/** What a round of items needs: nothing of where the run is kept. */
type Computing = Omit<TrainingRun, 'storage'>;

async function trainStep(
  { training, data: { set }, crew: { fleet }, control }: Computing,
  plan: StepPlan,
  { schedule, rules, shares, signs }: Pick<LoopTools, 'schedule' | 'rules' | 'shares' | 'signs'>,
): Promise<void> {
  const { recipe, state, model } = training;
  const { signal, onEvent } = control;
  const { step, epoch } = state.progress;
  const lr = learningRateAt(step, schedule);
  const startedMs = performance.now();
  const contributors = new Set<Hello>();
  const { total, lossSum, correct, workersMs } = await computeGradient(fleet, {
    recipe,
    layout: model.layout,
    set,
    step,
    epoch,
    plan,
    state: state.broadcastForStep(recipe.wire),
    buffers: state.gradientBuffers,
    signal,
    onContribution: (member, sampleCount) => {
      contributors.add(member.hello); // as it is now: a relay's class may change within the step
      shares.add(member.hello.nodeName, sampleCount);
    },
  });
  signs.see({ step, loss: lossSum / plan.sampleCount, lr, total });
  state.update(total, {
    lr,
    sgd: recipe,
    rules,
    averaging: { ...recipe, step: step + 1, totalSteps: totalStepsOf(schedule) },
  });
  if (!state.isFinite()) throw divergedError(`a weight after step ${step + 1}`, recipe);
  noteContributors(contributors, state, onEvent);
  const stepMs = performance.now() - startedMs;
  const samples = plan.sampleCount;
  state.completeStep({ lossSum, correct, samples, seconds: stepMs / 1000 });
  onEvent({
    event: 'step',
    step: step + 1,
    epoch: epoch + 1,
    lr,
    loss: lossSum / samples,
    accuracy: correct / samples,
    samples,
    imagesPerSecond: samples / (stepMs / 1000),
    stepMs,
    coordinationMs: stepMs - workersMs,
  });
}

interface Validation {
  readonly score: EvaluationScore;
  readonly seconds: number;
}

async function validate({
  training: { recipe, state },
  data: { set, split },
  crew: { fleet },
  control: { signal, onEvent },
}: Computing): Promise<Validation> {
  const startedMs = performance.now();
  const contributors = new Set<Hello>();
  const score = await evaluate(fleet, {
    set,
    indices: split.validation,
    state: state.broadcastEvaluated(recipe.averaging),
    signal,
    divergence: () => divergedError(`the validation loss of epoch ${state.progress.epoch + 1}`, recipe),
    onContribution: ({ hello }) => contributors.add(hello),
  });
  const seconds = (performance.now() - startedMs) / 1000;
  noteContributors(contributors, state, onEvent);
  return { score, seconds };
}

interface CompletedEpoch extends Pick<TrainingProgress, 'epoch' | 'step' | 'epochTotals' | 'wallSeconds'> {
  readonly lr: number;
  readonly validation: Validation | undefined;
  readonly best: boolean;
  readonly workers: readonly NodeShare[];
}

function epochEvent(completed: CompletedEpoch, weightsSha256: string): Extract<RunEvent, { event: 'epoch' }> {
  const { epoch, step, lr, epochTotals: totals, validation, best, wallSeconds, workers } = completed;
  return {
    event: 'epoch',
    epoch,
    step,
    lr,
    trainLoss: totals.lossSum / totals.samples,
    trainAccuracy: totals.correct / totals.samples,
    validationLoss: validation?.score.loss ?? null,
    validationAccuracy: validation?.score.accuracy ?? null,
    validationSeconds: validation?.seconds ?? 0,
    imagesPerSecond: totals.samples / totals.seconds,
    wallSeconds,
    best,
    weightsSha256,
    workers,
  };
}

/**
 * Notes whose results are part of the run. Warns if they come from several numerics classes.
 * @param hellos what each node brought when its result was used
 */
function noteContributors(hellos: Iterable<Hello>, state: TrainingState, onEvent: EventListener): void {
  for (const hello of hellos) {
    const classes = state.contribute(hello.numericsClass, hello);
    if (!classes) continue;
    onEvent({
      event: 'notice',
      message:
        `workers of different numerics classes take part (${classes.join(', ')}): ` +
        'the weights will depend on who computed what, and the result says exact: false',
    });
  }
}

/**
 * Saves the first checkpoint, so that the run can be resumed from now on. A run that could be resumed before goes on even
 * if this checkpoint cannot be written.
 */
async function saveFirst(folder: RunFolder, saver: CheckpointSaver): Promise<void> {
  const couldBeResumed = folder.checkpoints.exist();
  saver.save('last');
  try {
    await folder.flush();
  } catch (error) {
    const isWriteError = error instanceof LockstepError && error.code === 'E_IO';
    if (!couldBeResumed || !isWriteError) throw error; // the saver has reported it
  }
}

/** Saves the weights after the last whole step. If training has diverged, goes back to the fallback instead. */
async function saveAfterError(
  error: unknown,
  { folder, saver, fallback }: Pick<LoopTools, 'saver' | 'fallback'> & { readonly folder: RunFolder },
): Promise<void> {
  const code = error instanceof LockstepError ? error.code : undefined;
  if (code === 'E_RUN_EXISTS') {
    // Another process has taken the folder over. A write in progress is refused as long as the folder is open.
    await folder.flush().catch(() => undefined);
    return;
  }
  const hasDiverged = code === 'E_DIVERGED';
  if (!hasDiverged) saver.save('last');
  try {
    await folder.flush();
    if (hasDiverged) await fallback.restore();
  } catch {
    // The saver has reported it, and the first error matters more.
  }
}
