/** The end of a run: chooses the final weights, writes result.json, and evaluates the test set if asked. */

import type { ImageSet } from '../../data/index.js';
import { digestState } from '../../model/index.js';
import type { Hello } from '../../protocol/index.js';
import { divergedError } from './divergence.js';
import { evaluate } from './evaluate.js';
import type { EvaluationScore } from './evaluate.js';
import type { CheckpointName } from '../checkpoints/checkpointFiles.js';
import type { Fleet } from '../fleet/fleet.js';
import type { RunFolder } from '../folder/runFolder.js';
import type { EventListener, TestScore } from '../run/events.js';
import type { Recipe } from '../run/recipe.js';
import type { RunResult, StopReason } from '../run/result.js';
import type { Control, Training, TrainingData } from './trainingRun.js';
import type { TrainingState } from './trainingState.js';
import type { WallClock } from './wallClock.js';

export interface FinishOptions {
  readonly training: Pick<Training, 'recipe' | 'state'>;
  readonly data: Pick<TrainingData, 'openTestSet' | 'onTested'>;
  readonly folder: RunFolder;
  readonly clock: WallClock;
  readonly fleet: Fleet;
  readonly control: Control;
}

/**
 * Restores the best weights, or the average, if training was completed, writes the result, and evaluates the test set if asked. A run that
 * is stopped during that evaluation has a result without it, and evaluates when it is resumed.
 */
export async function finishRun(options: FinishOptions, stoppedBy: StopReason): Promise<RunResult> {
  const { state, recipe } = options.training;
  const { folder, fleet, clock } = options;
  const { onEvent } = options.control;
  const { openTestSet } = options.data;
  const lastWeightsSha256 = digestState(state.model);
  const isComplete = stoppedBy === 'epochs' || stoppedBy === 'patience';
  const final = isComplete ? chooseFinal(state, recipe, onEvent) : 'last';
  if (stoppedBy === 'max-steps') state.adoptEvaluated(recipe.averaging); // as in validation; the checkpoint has the others
  const summary = { lastWeightsSha256, wallSeconds: clock.seconds(), stoppedBy };
  // Written before the test: the training has its result, whatever goes wrong in the test.
  let result = resultOf(state, recipe, summary, undefined);
  await folder.writeResult(result);
  if (openTestSet && stoppedBy !== 'signal') {
    const test = await evaluateTestSet(options, openTestSet, final);
    result = resultOf(state, recipe, test ? summary : { ...summary, stoppedBy: 'signal' }, test);
    await folder.writeResult(result);
  }
  fleet.concludeNews();
  onEvent({ event: 'run-finished', ...result });
  return result;
}

/** @returns the checkpoint that holds them */
function chooseFinal(state: TrainingState, { averaging }: Recipe, onEvent: EventListener): CheckpointName {
  const { bestEpoch } = state.progress.earlyStopping;
  if (state.restoreBest()) return 'best';
  if (bestEpoch === null) {
    state.adoptEvaluated(averaging);
    return 'last';
  }
  onEvent({
    event: 'notice',
    message: `the weights of the best epoch, ${bestEpoch}, are in no checkpoint of this run; the final weights are the last ones`,
  });
  return 'last';
}

interface Summary {
  readonly lastWeightsSha256: string;
  readonly wallSeconds: number;
  readonly stoppedBy: StopReason;
}

function resultOf(
  { model, progress }: TrainingState,
  { dataset }: Recipe,
  summary: Summary,
  test: TestScore | undefined,
): RunResult {
  const contributors = Object.entries(progress.contributors);
  return {
    weightsSha256: digestState(model),
    lastWeightsSha256: summary.lastWeightsSha256,
    stepsCompleted: progress.step,
    epochsCompleted: progress.epoch,
    bestEpoch: progress.earlyStopping.bestEpoch,
    bestValidationAccuracy: progress.earlyStopping.bestAccuracy,
    imagesPerSecond: progress.stepSeconds > 0 ? progress.images / progress.stepSeconds : 0,
    wallSeconds: summary.wallSeconds,
    engine: [...new Set(contributors.map(([, { engine }]) => engine))].sort().join('+'),
    numericsClasses: contributors.map(([numericsClass]) => numericsClass).sort(),
    // Where nobody computed anything, the seed alone decides.
    exact: contributors.length <= 1 && contributors.every(([, { exact }]) => exact),
    dataset,
    stoppedBy: summary.stoppedBy,
    testAccuracy: test?.testAccuracy ?? null,
    testLoss: test?.testLoss ?? null,
  };
}

/**
 * Evaluates the final weights on the test set.
 * @param final the checkpoint that holds them
 * @returns undefined if the user stopped it
 */
async function evaluateTestSet(
  { training: { recipe, state }, data: { onTested }, folder, fleet, control }: FinishOptions,
  openTestSet: () => Promise<ImageSet>,
  final: CheckpointName,
): Promise<TestScore | undefined> {
  const { signal, onEvent } = control;
  const set = await openTestSet();
  const indices = Uint32Array.from({ length: set.sampleCount }, (_, index) => index);
  const divergence = (): Error => divergedError('the loss of the final weights on the test set', recipe);
  const evaluators = new Set<Hello>();
  let score: EvaluationScore;
  try {
    score = await evaluate(fleet, {
      ...{ set, indices, state: state.broadcast(), signal, divergence },
      wantsLogits: onTested !== undefined,
      onContribution: ({ hello }) => evaluators.add(hello),
    });
  } catch (error) {
    if (error === signal.reason) return undefined;
    throw error;
  }
  const test = { testLoss: score.loss, testAccuracy: score.accuracy, testSamples: score.samples };
  onEvent({ event: 'test', ...test });
  const { epoch, earlyStopping } = state.progress;
  await onTested?.({
    ...{ set, score, logits: score.logits! },
    checkpoint: folder.checkpointFile(final),
    epoch: final === 'best' ? (earlyStopping.bestEpoch ?? epoch) : epoch,
    weightsSha256: digestState(state.model),
    engines: distinct([...evaluators].map(({ engine }) => engine)),
    numericsClasses: distinct([...evaluators].map(({ numericsClass }) => numericsClass)),
  });
  return test;
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
