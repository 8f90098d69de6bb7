/**
 * The loss head, in exact float64 arithmetic: softmax cross-entropy, its gradient, and the number of correct answers.
 * A few numbers per sample are cheap, and computed here they do not depend on the host's Math.exp or a device's.
 */

import { deterministicLog } from '../foundation/deterministicMath.js';
import type { Targets } from './engine.js';

export interface LossHead {
  /** Sum over samples of -log softmax(logits)[label]; with smoothing, its mean weighted by the target. */
  readonly lossSum: number;
  /** Samples whose largest logit (the first, if several are equal) is the label's. */
  readonly correct: number;
  /** Gradient of `lossSum` by the logits, (B, classes): softmax(logits) - target, rounded to float32. */
  readonly logitGradient: Float32Array;
}

/** @param logits (B, classes), row by row */
export function softmaxCrossEntropy(
  logits: Float32Array,
  { labels, labelSmoothing: smoothing = 0 }: Targets,
  classCount: number,
): LossHead {
  const logitGradient = new Float32Array(logits.length);
  let lossSum = 0;
  let correct = 0;
  labels.forEach((label, sample) => {
    const start = sample * classCount;
    const row = logits.subarray(start, start + classCount);
    const best = indexOfLargest(row);
    const largest = row[best]!;
    const exponentials = Array.from(row, (logit) => exponentialOfNonPositive(logit - largest));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    const logTotal = total >= 1 ? deterministicLog(total) : Number.NaN; // the largest logit contributes 1
    lossSum += logTotal + largest - (smoothing === 0 ? row[label]! : smoothedLogit(row, label, smoothing));
    if (best === label) correct++;
    exponentials.forEach((value, index) => {
      logitGradient[start + index] = value / total - targetOf(index === label, smoothing, classCount);
    });
  });
  return { lossSum, correct, logitGradient };
}

export interface Probabilities {
  /** softmax(logits), one a class. */
  readonly shares: readonly number[];
  /** The class of the largest logit; the first, if several are equal. */
  readonly predicted: number;
  /** -log softmax(logits), of one class: the sample's loss if it is the label. */
  readonly lossOf: (label: number) => number;
}

/** @param row the logits of one sample */
export function probabilitiesOf(row: Float32Array): Probabilities {
  const predicted = indexOfLargest(row);
  const largest = row[predicted]!;
  const exponentials = Array.from(row, (logit) => exponentialOfNonPositive(logit - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return {
    shares: exponentials.map((value) => value / total),
    predicted,
    lossOf: (label) => deterministicLog(total) + largest - row[label]!,
  };
}

/** A class's part in a target: onehot(label), or with smoothing s (1 - s) onehot(label) + s / classes. */
export function targetOf(isLabel: boolean, smoothing: number, classCount: number): number {
  return (isLabel ? 1 - smoothing : 0) + smoothing / classCount;
}

/** The mean of the logits under the target. */
function smoothedLogit(row: Float32Array, label: number, smoothing: number): number {
  const mean = row.reduce((sum, logit) => sum + logit, 0) / row.length;
  return (1 - smoothing) * row[label]! + smoothing * mean;
}

function indexOfLargest(row: Float32Array): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index]! > row[best]!) best = index;
  return best;
}

const LN2_HIGH = 6.9314718036912381649e-1; // ln 2 in two parts, from fdlibm's e_exp.c
const LN2_LOW = 1.90821492927058770002e-10;
const SMALLEST_EXPONENT = -1022; // below this, results are denormal and become zero

/** exp(x) for x <= 0 to a few units in the last place; NaN stays NaN. */
export function exponentialOfNonPositive(x: number): number {
  const exponent = Math.round(x / Math.LN2);
  if (exponent < SMALLEST_EXPONENT) return 0;
  const rest = x - exponent * LN2_HIGH - exponent * LN2_LOW; // |rest| <= 0.35: 16 terms reach float64's precision
  let series = 1;
  for (let term = 16; term >= 1; term--) series = 1 + (series * rest) / term;
  return series * powerOfTwo(exponent);
}

const floatView = new Float64Array(1);
const wordView = new BigUint64Array(floatView.buffer);

/** 2^exponent for normal results, exactly. */
function powerOfTwo(exponent: number): number {
  if (!Number.isFinite(exponent)) return exponent;
  wordView[0] = BigInt(exponent + 1023) << 52n;
  return floatView[0]!;
}
