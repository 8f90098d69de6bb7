/** Weight averaging: the average of the weights (and running statistics) of many steps is better than the last. */

import type { ModelState } from '../../model/index.js';
import type { Recipe } from '../run/recipe.js';

/** What the average of a step depends on. */
export interface AveragingStep extends Pick<Recipe, 'averaging' | 'emaDecay'> {
  /** Steps completed, with this one. */
  readonly step: number;
  /** Of the whole run. */
  readonly totalSteps: number;
}

/** As in airbench94 (arXiv:2404.00498, appendix A), after arXiv:1907.08610. */
const LOOKAHEAD_EVERY = 5;
const LOOKAHEAD_LARGEST_DECAY = 0.95 * 0.95 * 0.95 * 0.95 * 0.95;

/**
 * Adds the weights of a step to the average, in place.
 *
 * ema: average = d average + (1 - d) weights after each step, where d = min(emaDecay, (1 + step) / (10 + step)), so that the
 * first weights are soon forgotten.
 * lookahead: the same after every fifth step, where d = 0.95^5 (step / totalSteps)^3; then the weights become the average,
 * and training goes on from there. After the last step the weights become the average as it is.
 */
export function updateAverage(average: ModelState, weights: ModelState, options: AveragingStep): void {
  const { averaging, emaDecay, step, totalSteps } = options;
  switch (averaging) {
    case 'none':
      return;
    case 'ema':
      return moveTowards(average, weights, 1 - Math.min(emaDecay, (1 + step) / (10 + step)));
    case 'lookahead': {
      if (step % LOOKAHEAD_EVERY === 0) {
        const share = step / totalSteps;
        moveTowards(average, weights, 1 - LOOKAHEAD_LARGEST_DECAY * share * share * share);
      } else if (step !== totalSteps) return;
      weights.parameters.set(average.parameters);
      weights.statistics.set(average.statistics);
    }
  }
}

/**
 * The weights that validation, the result and `evaluate` use: the average, where training does not go on from it, else the
 * current ones.
 * @param averaged undefined in a run that averages nothing
 */
export function evaluatedWeights(
  averaging: Recipe['averaging'],
  { current, averaged }: { readonly current: ModelState; readonly averaged: ModelState | undefined },
): ModelState {
  return averaging === 'ema' && averaged ? averaged : current;
}

/** Computes in float64 and rounds once, so the result is the same on every host. */
function moveTowards(average: ModelState, weights: ModelState, share: number): void {
  moveVector(average.parameters, weights.parameters, share);
  moveVector(average.statistics, weights.statistics, share);
}

function moveVector(average: Float32Array, towards: Float32Array, share: number): void {
  for (let index = 0; index < average.length; index++) {
    const value = average[index]!;
    average[index] = value + share * (towards[index]! - value);
  }
}
