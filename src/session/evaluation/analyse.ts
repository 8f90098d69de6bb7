/** What the logits of a test set tell: accuracy by class, what is taken for what, calibration, and the worst images. */

import type { Evaluation } from '../../coordinator/index.js';
import { probabilitiesOf } from '../../engine/index.js';

/** One image, as the network judged it. */
export interface JudgedImage {
  /** Its place in the test set. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** The probability of the predicted class, and of the right one. */
  readonly confidence: number;
  readonly labelProbability: number;
  readonly loss: number;
  /** Of a folder of pictures: its file, from that folder on. */
  readonly file?: string | undefined;
}

/**
 * @param logits (N, classes), by index
 * @param labelOf the label of the image with an index
 */
export function judgeImages(
  logits: Float32Array,
  classCount: number,
  labelOf: (index: number) => number,
): readonly JudgedImage[] {
  return Array.from({ length: logits.length / classCount }, (_, index) => {
    const label = labelOf(index);
    const { shares, predicted, lossOf } = probabilitiesOf(
      logits.subarray(index * classCount, (index + 1) * classCount),
    );
    const loss = Math.max(0, lossOf(label)); // rounding may make the loss of a certain answer negative
    return {
      index,
      label,
      predicted,
      confidence: shares[predicted]!,
      labelProbability: shares[label]!,
      loss,
    };
  });
}

/** By true label, then by predicted label. */
export function confusionOf(images: readonly JudgedImage[], classCount: number): Evaluation['confusion'] {
  const counts = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  for (const { label, predicted } of images) counts[label]![predicted]!++;
  return counts;
}

export function classesOf(
  confusion: Evaluation['confusion'],
  classNames: readonly string[],
): Evaluation['classes'] {
  return classNames.map((name, label) => {
    const correct = confusion[label]![label]!;
    const samples = confusion[label]!.reduce((sum, count) => sum + count, 0);
    const taken = confusion.reduce((sum, row) => sum + row[label]!, 0);
    return {
      name,
      samples,
      correct,
      recall: samples === 0 ? null : correct / samples,
      precision: taken === 0 ? null : correct / taken,
    };
  });
}

/** As many as in https://arxiv.org/abs/1706.04599. */
const BINS = 15;

/** Bins of equal width by confidence: (0, 1/15], (1/15, 2/15], … */
export function calibrationOf(images: readonly JudgedImage[]): Evaluation['calibration'] {
  const bins = Array.from({ length: BINS }, () => ({ samples: 0, confidence: 0, correct: 0 }));
  for (const { confidence, label, predicted } of images) {
    const bin = bins[Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1))]!;
    bin.samples++;
    bin.confidence += confidence;
    if (label === predicted) bin.correct++;
  }
  const distance = bins.reduce((sum, { confidence, correct }) => sum + Math.abs(confidence - correct), 0);
  const total = bins.reduce((sum, { confidence }) => sum + confidence, 0);
  const mean = (sum: number, samples: number): number | null => (samples === 0 ? null : share(sum / samples));
  return {
    expectedError: share(distance / images.length),
    meanConfidence: share(total / images.length),
    bins: bins.map(({ samples, confidence, correct }, place) => ({
      from: place / BINS,
      to: (place + 1) / BINS,
      samples,
      meanConfidence: mean(confidence, samples),
      accuracy: mean(correct, samples),
    })),
  };
}

/** Rounding may take a sum of shares over 1. */
function share(value: number): number {
  return Math.min(1, value);
}

/** Those of the highest loss, the worst first; of equal ones the first in the test set. Some may be classified rightly. */
export function worstOf(images: readonly JudgedImage[], most: number): readonly JudgedImage[] {
  return [...images].sort((a, b) => b.loss - a.loss || a.index - b.index).slice(0, most);
}
