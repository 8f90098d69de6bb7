/**
 * How the sums of a step are rounded, so that they need fewer bytes: each leaf of the tree of additions, and each sum in it,
 * by the same rule wherever it is made. What is drawn depends on the seed, the step and the place in the tree, so who
 * computes or adds changes no bit.
 */

import { deriveKey, Purpose, seedKey } from '../random.js';
import type { RandomKey } from '../random.js';
import { drawsNumbers } from './format.js';
import type { WireFormat } from './format.js';
import { roundToWire } from './kernels.js';

export interface StepRounding {
  readonly format: WireFormat;
  /** One for all sums of a step; null if the format draws no random numbers. */
  readonly key: RandomKey | null;
}

/** The rounding of one step. `epoch` and `stepInEpoch` count from 0. */
export function stepRounding(
  format: WireFormat,
  seed: number,
  epoch: number,
  stepInEpoch: number,
): StepRounding {
  const key = drawsNumbers(format) ? deriveKey(seedKey(seed), Purpose.rounding, epoch, stepInEpoch) : null;
  return { format, key };
}

/**
 * Rounds the gradient of one micro-batch, or the sum of two sums, in place.
 * @param first the first micro-batch of the node of the tree
 * @param width the leaves that the node of the tree has room for: a power of two, even where the step has fewer
 */
export function roundSum(
  { format, key }: StepRounding,
  values: Float32Array,
  first: number,
  width: number,
): void {
  roundToWire(format, values, key && deriveKey(key, first, width));
}
