/** Softmax cross-entropy in float64, from operations that give the same bits on every host. */

import { deterministicLog } from '../../foundation/deterministicMath.js';

const LN2_HIGH = 6.9314718036912381649e-1; // fdlibm's split: products with small integers are exact
const LN2_LOW = 1.90821492927058770002e-10;
const TERMS = 14; // of the series, for |x| <= ln 2 / 2: the first left out is below 2^-60
const SMALLEST_ARGUMENT = -700; // e^-700 is normal still, and nothing beside 1

/** e^x for x <= 0; what is below e^-700 counts as zero. NaN stays NaN. */
export function deterministicExp(x: number): number {
  if (x < SMALLEST_ARGUMENT) return 0;
  const power = Math.round(x / Math.LN2);
  const rest = x - power * LN2_HIGH - power * LN2_LOW;
  let series = 1;
  for (let term = TERMS; term >= 1; term--) series = 1 + (series * rest) / term;
  return series * powerOfTwo(power);
}

/** 2^-n by squaring: every factor is a power of two, so every product is exact. */
function powerOfTwo(power: number): number {
  let result = 1;
  let square = 0.5;
  for (let rest = -power; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

export interface SampleLoss {
  readonly loss: number;
  readonly correct: boolean;
}

/**
 * @param logits (classes) of one sample, in `floats` from `start`
 * @param gradientStart where the gradient of the loss in the logits goes; undefined in evaluation
 */
export function softmaxCrossEntropy(
  floats: Float32Array,
  start: number,
  classCount: number,
  label: number,
  gradientStart: number | undefined,
): SampleLoss {
  let best = 0;
  for (let index = 1; index < classCount; index++) {
    if (floats[start + index]! > floats[start + best]!) best = index;
  }
  const largest = floats[start + best]!;
  let sum = 0;
  for (let index = 0; index < classCount; index++) sum += deterministicExp(floats[start + index]! - largest);
  if (gradientStart !== undefined) {
    for (let index = 0; index < classCount; index++) {
      const probability = deterministicExp(floats[start + index]! - largest) / sum;
      floats[gradientStart + index] = index === label ? probability - 1 : probability;
    }
  }
  const loss = Number.isFinite(sum) ? deterministicLog(sum) + largest - floats[start + label]! : NaN;
  return { loss, correct: best === label };
}
