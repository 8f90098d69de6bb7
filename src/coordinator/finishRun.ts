/** The end of a run: which weights are the final ones, what result.json says, and the one look at the test set. */

import { digestState } from '../model/index.js';
import { evaluate } from './evaluate.js';
import type { EvaluationScore } from './evaluate.js';
import type { TestScore } from './events.js';
import type { RunResult, StopReason } from './result.js';
import type { TrainingRun, WallClock } from './trainingRun.js';

/** Restores the best weights if training came to its own end, writes the result, and looks at the test set if asked. */
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
  const test = stoppedBy === 'signal' ? undefined : await testOnce(run);
  if (test) {
    result = resultOf(run, summary, test);
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

/** The test set is looked at once, when the weights are final. */
async function testOnce(run: TrainingRun): Promise<TestScore | undefined> {
  if (!run.openTestSet) return undefined;
  const set = await run.openTestSet();
  const indices = Uint32Array.from({ length: set.sampleCount }, (_, index) => index);
  const { signal, fleet, state } = run;
  let score: EvaluationScore;
  try {
    score = await evaluate(fleet, { set, indices, state: state.broadcast(), signal });
  } catch (error) {
    if (error === signal.reason) return undefined; // stopped by hand: `lockstep evaluate` can do it later
    throw error;
  }
  const test = { testLoss: score.loss, testAccuracy: score.accuracy, testSamples: score.samples };
  run.onEvent({ event: 'test', ...test });
  return test;
}
