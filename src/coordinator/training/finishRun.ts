/** The end of a run: which weights are the final ones, what result.json says, and the one look at the test set. */

import type { ImageSet } from '../../data/index.js';
import { digestState } from '../../model/index.js';
import { divergedError } from './divergence.js';
import { evaluate } from './evaluate.js';
import type { EvaluationScore } from './evaluate.js';
import type { TestScore } from '../run/events.js';
import type { RunResult, StopReason } from '../run/result.js';
import type { TrainingRun, WallClock } from './trainingRun.js';

/**
 * Restores the best weights if training came to its own end, writes the result, and looks at the test set if asked. A
 * run that is stopped while it does has its result without the test, and makes up for it when it is resumed.
 */
export async function finishRun(
  run: TrainingRun,
  clock: WallClock,
  stoppedBy: StopReason,
): Promise<RunResult> {
  const { state, folder, onEvent } = run;
  const lastWeightsSha256 = digestState(state.model);
  if (stoppedBy === 'epochs' || stoppedBy === 'patience') restoreBest(run);
  const summary = { lastWeightsSha256, wallSeconds: clock.seconds(), stoppedBy };
  // Before the test: whatever may go wrong there, the training has its result.
  let result = resultOf(run, summary, undefined);
  await folder.writeResult(result);
  if (run.openTestSet && stoppedBy !== 'signal') {
    const test = await testOnce(run, run.openTestSet);
    result = resultOf(run, test ? summary : { ...summary, stoppedBy: 'signal' }, test);
    await folder.writeResult(result);
  }
  run.fleet.concludeNews();
  onEvent({ event: 'run-finished', ...result });
  return result;
}

function restoreBest({ state, best, onEvent }: TrainingRun): void {
  const { bestEpoch } = state.progress.earlyStopping;
  if (best) state.restore(best);
  else if (bestEpoch !== null) {
    onEvent({
      event: 'notice',
      message: `the weights of the best epoch, ${bestEpoch}, were lost when an earlier sitting died; the final weights are the last`,
    });
  }
}

interface Summary {
  readonly lastWeightsSha256: string;
  readonly wallSeconds: number;
  readonly stoppedBy: StopReason;
}

function resultOf({ state, recipe }: TrainingRun, summary: Summary, test: TestScore | undefined): RunResult {
  const { progress } = state;
  const contributors = Object.entries(progress.contributors);
  return {
    weightsSha256: digestState(state.model),
    lastWeightsSha256: summary.lastWeightsSha256,
    stepsCompleted: progress.step,
    epochsCompleted: progress.epoch,
    bestEpoch: progress.earlyStopping.bestEpoch,
    bestValidationAccuracy: progress.earlyStopping.bestAccuracy,
    imagesPerSecond: progress.stepSeconds > 0 ? progress.images / progress.stepSeconds : 0,
    wallSeconds: summary.wallSeconds,
    engine: [...new Set(contributors.map(([, { engine }]) => engine))].sort().join('+'),
    numericsClasses: contributors.map(([numericsClass]) => numericsClass).sort(),
    exact: contributors.length === 1 && contributors[0]![1].exact,
    dataset: recipe.dataset,
    stoppedBy: summary.stoppedBy,
    testAccuracy: test?.testAccuracy ?? null,
    testLoss: test?.testLoss ?? null,
  };
}

/**
 * The test set is looked at once, when the weights are final.
 * @returns undefined if the user stopped it
 */
async function testOnce(
  run: TrainingRun,
  openTestSet: () => Promise<ImageSet>,
): Promise<TestScore | undefined> {
  const set = await openTestSet();
  const indices = Uint32Array.from({ length: set.sampleCount }, (_, index) => index);
  const { signal, fleet, state, recipe } = run;
  const divergence = (): Error => divergedError('the loss of the final weights on the test set', recipe);
  let score: EvaluationScore;
  try {
    score = await evaluate(fleet, { set, indices, state: state.broadcast(), signal, divergence });
  } catch (error) {
    if (error === signal.reason) return undefined;
    throw error;
  }
  const test = { testLoss: score.loss, testAccuracy: score.accuracy, testSamples: score.samples };
  run.onEvent({ event: 'test', ...test });
  return test;
}
