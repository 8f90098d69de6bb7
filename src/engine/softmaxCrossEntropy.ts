/**
 * The loss head, in exact float64 arithmetic: softmax cross-entropy, its gradient, and the number of correct answers.
 * A few numbers per sample are cheap, and computed here they do not depend on the host's Math.exp or a device's.
 */

import { deterministicLog, exponentialOfNonPositive } from '../foundation/deterministicMath.js';
import type { Mixture, Targets } from './engine.js';

export interface LossHead {
  /** Sum over samples of -log softmax(logits)[label]; with smoothing, its mean weighted by the target. */
  readonly lossSum: number;
  /** Samples whose largest logit (the first, if several are equal) is the label's; of a mixture, the larger part's. */
  readonly correct: number;
  /** Gradient of `lossSum` by the logits, (B, classes): softmax(logits) - target, rounded to float32. */
  readonly logitGradient: Float32Array;
}

/** @param logits (B, classes), row by row */
export function softmaxCrossEntropy(logits: Float32Array, targets: Targets, classCount: number): LossHead {
  const { labels, labelSmoothing: smoothing = 0, mixture } = targets;
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
    lossSum += logTotal + largest - targetLogit(row, sample, targets);
    if (best === (mixture && mixture.share < 0.5 ? mixture.labels[sample] : label)) correct++;
    exponentials.forEach((value, index) => {
      const own = mixture ? shareOf(index, label, sample, mixture) : index === label ? 1 : 0;
      logitGradient[start + index] = value / total - targetOf(own, smoothing, classCount);
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

/**
 * A class's part in a target: with smoothing s (1 - s) share + s / classes.
 * @param share of the class in the label: 1 or 0; anything between for mixed images
 */
export function targetOf(share: number, smoothing: number, classCount: number): number {
  return share * (1 - smoothing) + smoothing / classCount;
}

/** A class's share in the label of an image that is mixed from two. */
export function shareOf(index: number, label: number, sample: number, { labels, share }: Mixture): number {
  return (index === label ? share : 0) + (index === labels[sample] ? 1 - share : 0);
}

/** The mean of a sample's logits under its target. */
function targetLogit(
  row: Float32Array,
  sample: number,
  { labels, labelSmoothing = 0, mixture }: Targets,
): number {
  const own = row[labels[sample]!]!;
  const logit = mixture ? mixture.share * own + (1 - mixture.share) * row[mixture.labels[sample]!]! : own;
  if (labelSmoothing === 0) return logit;
  const mean = row.reduce((sum, each) => sum + each, 0) / row.length;
  return (1 - labelSmoothing) * logit + labelSmoothing * mean;
}

function indexOfLargest(row: Float32Array): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index]! > row[best]!) best = index;
  return best;
}
