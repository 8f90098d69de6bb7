/** The run's own rate does not drive the loss up in its first steps. */

import { EARLY_STEPS, risesEarly } from '../../coordinator/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { FleetRun } from '../computing/fleetRun.js';
import { TRAINING_NEEDS } from '../capacity/overfit.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { ratesOf } from './rates.js';
import { short } from './rateEnd.js';

const LAST = 5;
/** Micro-batches of a step: a large batch takes minutes, and a rate that diverges with it does with a smaller one. */
const MOST_MICRO_BATCHES = 4;
/** A schedule that begins below this share of its peak is led up to it here, too. */
const WARM = 0.5;

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
      : `not finite after ${losses.length} steps`;
    if (isFinite && !risesEarly(losses, bench.subject.model.classCount)) return passed(expected, seen);
    return found('fail', {
      expected,
      seen,
      advice: ['use a lower ', { option: 'lr' }, ': a tenth of it, or what lr-find suggests'],
    });
  },
};

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
    if (!(error instanceof LockstepError) || error.code !== 'E_DIVERGED') throw error;
  } finally {
    await run.close();
  }
  return losses;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
