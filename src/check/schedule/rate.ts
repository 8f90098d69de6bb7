/** The run's own rate does not drive the loss up in its first steps. */

import { EARLY_STEPS, risesEarly } from '../../coordinator/index.js';
import type { Recipe } from '../../coordinator/index.js';
import { FleetRun, hasDiverged } from '../computing/fleetRun.js';
import { TRAINING_NEEDS } from '../capacity/overfit.js';
import { count } from '../../foundation/count.js';
import { judged } from '../finding.js';
import type { Check, Verdict, Words } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { ratesOf } from './rates.js';
import { short } from './rateEnd.js';

const LAST = 5;
/** Micro-batches of a step: a large batch takes minutes, and a rate that diverges with it does with a smaller one. */
const MOST_MICRO_BATCHES = 4;
/** A schedule that begins below this share of its peak is led up to it here, too. */
const WARM = 0.5;
/** A mean of the last losses that is so many times the first loss has not fallen, if it has not exploded either. */
const ABOVE = 1.05;

export const rate: Check = {
  name: 'rate',
  group: 'schedule',
  about: `the loss does not rise in ${EARLY_STEPS} steps at the run's rate`,
  needs: TRAINING_NEEDS,
  run: async (bench) => {
    const { peak, first } = ratesOf(bench.subject);
    const expected = `a loss that does not rise in ${EARLY_STEPS} steps at rate ${short(peak)}`;
    const losses = await firstLosses(bench, { peak, isRamp: first < WARM * peak });
    const end = mean(losses.slice(-LAST));
    const isFinite = losses.length === EARLY_STEPS;
    const seen = isFinite
      ? `from ${losses[0]!.toFixed(2)} to ${end.toFixed(2)}, the mean of the last ${LAST}; ${Math.max(...losses).toFixed(2)} at most`
      : `not finite after ${count(losses.length, 'step')}`;
    const verdict = verdictOf(losses, bench.subject.model.classCount);
    return judged(verdict === 'pass', verdict === 'warn' ? 'warn' : 'fail', {
      expected,
      seen,
      advice: adviceFor(bench.subject.recipe, peak),
    });
  },
};

function verdictOf(losses: readonly number[], classCount: number): Verdict {
  if (losses.length < EARLY_STEPS || risesEarly(losses, classCount)) return 'fail';
  const start = Math.max(losses[0]!, Math.log(classCount));
  return mean(losses.slice(-LAST)) > ABOVE * start ? 'warn' : 'pass';
}

/** A step of decay multiplies the weights by 1 - rate x decay: whatever the gradient is, they grow if that is below -1. */
function adviceFor({ weightDecay }: Recipe, peak: number): Words {
  if (peak * weightDecay >= 2 && weightDecay >= 1) {
    return [
      'use a lower ',
      { option: 'weightDecay' },
      `: times the rate it is ${short(peak * weightDecay)}, and from 2 on the weights grow with every step`,
    ];
  }
  return ['use a lower ', { option: 'lr' }, ': a tenth of it, or what lr-find suggests'];
}

/** Fewer than EARLY_STEPS if training diverges. */
async function firstLosses(
  { subject, signal }: Workbench,
  { peak, isRamp }: { readonly peak: number; readonly isRamp: boolean },
): Promise<readonly number[]> {
  const { batchSize, microBatch } = subject.recipe;
  const recipe = { ...subject.recipe, batchSize: Math.min(batchSize, MOST_MICRO_BATCHES * microBatch) };
  const run = await FleetRun.start({ ...subject, recipe }, subject.computing.threads, signal);
  const losses: number[] = [];
  try {
    for (let step = 0; step < EARLY_STEPS; step++) {
      const { loss } = await run.step(isRamp ? (peak * (step + 1)) / EARLY_STEPS : peak);
      losses.push(loss);
    }
  } catch (error) {
    if (!hasDiverged(error)) throw error;
  } finally {
    await run.close();
  }
  return losses;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
