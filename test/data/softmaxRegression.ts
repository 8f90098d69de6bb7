import type { RawSamples } from '../../src/data/index.js';

const FEATURES = 3072;
const CLASSES = 10;

/**
 * Softmax regression on raw pixels by SGD, one sample at a time.
 * @returns accuracy on the held-out samples
 */
export function trainSoftmaxRegression(training: RawSamples, heldOut: RawSamples, epochs: number): number {
  const inputs = Array.from(training.labels, (_, sample) => featuresOf(training, sample));
  const weights = Array.from({ length: CLASSES }, () => new Float32Array(FEATURES + 1));
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.003 / (1 + epoch);
    for (let sample = 0; sample < training.labels.length; sample++) {
      const features = inputs[sample]!;
      const scores = weights.map((row) => score(row, features));
      const top = Math.max(...scores);
      const exponentials = scores.map((value) => Math.exp(value - top));
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      weights.forEach((row, label) => {
        const error = exponentials[label]! / total - (training.labels[sample] === label ? 1 : 0);
        for (let index = 0; index < FEATURES; index++) row[index]! -= rate * error * features[index]!;
        row[FEATURES]! -= rate * error;
      });
    }
  }
  const correct = [...heldOut.labels].filter((label, sample) => {
    const features = featuresOf(heldOut, sample);
    const scores = weights.map((row) => score(row, features));
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return correct.length / heldOut.labels.length;
}

function featuresOf({ pixels }: RawSamples, sample: number): Float32Array {
  return Float32Array.from(
    pixels.subarray(sample * FEATURES, (sample + 1) * FEATURES),
    (byte) => byte / 128 - 1,
  );
}

function score(row: Float32Array, features: Float32Array): number {
  let sum = row[FEATURES]!;
  for (let index = 0; index < FEATURES; index++) sum += row[index]! * features[index]!;
  return sum;
}
