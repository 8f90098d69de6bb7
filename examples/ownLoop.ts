/**
 * A search of one's own around the training: tries learning rates for one epoch each, at the same time, gives up those
 * that do badly, and goes on with the best.
 *
 *     node ownLoop.js
 */

import { LockstepError, syntheticData, train } from 'lockstep';
import type { RunEvent, TrainedRun } from 'lockstep';

const RATES = [0.01, 0.1, 30];
const HOPELESS_LOSS = 10;
const data = syntheticData();

/** @returns undefined for a rate that was given up */
async function tryRate(lr: number): Promise<TrainedRun | undefined> {
  const giveUp = new AbortController();
  const onEvent = (event: RunEvent): void => {
    if (event.event === 'step' && event.loss > HOPELESS_LOSS) giveUp.abort();
  };
  try {
    const recipe = {
      model: 'resnet8',
      epochs: 3,
      trainLimit: 384,
      valSize: 200,
      schedule: 'constant',
      lr,
      seed: 5,
    } as const;
    // maxSteps stops after one epoch of 3 steps; the recipe still says 3 epochs, so that the run can go on.
    const run = await train({
      recipe: { ...recipe, maxSteps: 3 },
      data,
      workers: 1,
      engine: 'simd',
      signal: giveUp.signal,
      onEvent,
    });
    return run.stoppedBy === 'signal' ? undefined : run;
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_DIVERGED') return undefined;
    throw error;
  }
}

const tried = await Promise.all(RATES.map(async (lr) => ({ lr, run: await tryRate(lr) })));
for (const { lr, run } of tried) {
  console.log(`lr ${lr}: ${run ? `accuracy ${String(run.bestValidationAccuracy)}` : 'given up'}`);
}
const accuracyOf = ({ run }: (typeof tried)[number]): number => run?.bestValidationAccuracy ?? -1;
const best = tried.reduce((a, b) => (accuracyOf(b) > accuracyOf(a) ? b : a));
if (!best.run) throw new Error('every learning rate was given up');

const whole = await train({ resume: best.run.runDir, recipe: { maxSteps: null }, data, engine: 'simd' });
console.log(
  `lr ${best.lr} after ${whole.epochsCompleted} epochs: accuracy ${String(whole.bestValidationAccuracy)}`,
);
