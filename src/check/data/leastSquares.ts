/** Linear models by least squares on one-hot targets: the best that can be done without training. */

import type { ImageSet } from '../../data/index.js';
import { featureReader } from './features.js';
import type { Features } from './features.js';

export interface LinearModel {
  readonly features: Features;
  /** (features + 1, classes), the last row the bias. */
  readonly weights: Float64Array;
  readonly classCount: number;
}

/** Keeps the solution bounded where two features are equal: a share of the mean square of the features. */
const RIDGE = 1e-6;

export interface FitOptions {
  readonly samples: ArrayLike<number>;
  /** The class of a sample. */
  readonly labelOf: (sample: number) => number;
  readonly features: Features;
}

export function fitLinear(set: ImageSet, { samples, labelOf, features }: FitOptions): LinearModel {
  const classCount = set.classNames.length;
  const size = features.length + 1;
  const gram = new Float64Array(size * size);
  const targets = new Float64Array(size * classCount);
  const read = featureReader(set, features);
  for (let place = 0; place < samples.length; place++) {
    const sample = samples[place]!;
    const values = read(sample);
    const label = labelOf(sample);
    for (let row = 0; row < size; row++) {
      const value = values[row]!;
      for (let column = 0; column <= row; column++) gram[row * size + column]! += value * values[column]!;
      targets[row * classCount + label]! += value;
    }
  }
  let trace = 0;
  for (let row = 0; row < size; row++) trace += gram[row * size + row]!;
  for (let row = 0; row < size; row++) gram[row * size + row]! += (RIDGE * trace) / size;
  return { features, classCount, weights: solve(gram, targets, size, classCount) };
}

/** @returns a function of a sample: its outputs, (classes); the array is used again */
export function linearOutputs(
  set: ImageSet,
  { features, weights, classCount }: LinearModel,
): (sample: number) => Float64Array {
  const read = featureReader(set, features);
  const outputs = new Float64Array(classCount);
  return (sample) => {
    const values = read(sample);
    outputs.fill(0);
    for (let row = 0; row < values.length; row++) {
      for (let label = 0; label < classCount; label++) {
        outputs[label]! += values[row]! * weights[row * classCount + label]!;
      }
    }
    return outputs;
  };
}

/** Solves gram x = targets by Cholesky. @param gram its lower half, (size, size); overwritten */
function solve(gram: Float64Array, targets: Float64Array, size: number, columns: number): Float64Array {
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = gram[row * size + column]!;
      for (let k = 0; k < column; k++) sum -= gram[row * size + k]! * gram[column * size + k]!;
      gram[row * size + column] = row === column ? Math.sqrt(sum) : sum / gram[column * size + column]!;
    }
  }
  const solution = targets.slice();
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < size; row++) {
      let sum = solution[row * columns + column]!;
      for (let k = 0; k < row; k++) sum -= gram[row * size + k]! * solution[k * columns + column]!;
      solution[row * columns + column] = sum / gram[row * size + row]!;
    }
    for (let row = size - 1; row >= 0; row--) {
      let sum = solution[row * columns + column]!;
      for (let k = row + 1; k < size; k++) sum -= gram[k * size + row]! * solution[k * columns + column]!;
      solution[row * columns + column] = sum / gram[row * size + row]!;
    }
  }
  return solution;
}

/**
 * The mean cross-entropy of the model on some samples, with its outputs times the best constant as logits: a linear map,
 * too, which least squares alone would not scale for this loss.
 */
export function linearLoss(
  set: ImageSet,
  model: LinearModel,
  samples: ArrayLike<number>,
): { loss: number; scale: number } {
  const read = linearOutputs(set, model);
  const rows = Array.from({ length: samples.length }, (_, place) => read(samples[place]!).slice());
  const lossAt = (scale: number): number =>
    rows.reduce((sum, row, place) => sum + crossEntropy(row, set.labelOf(samples[place]!), scale), 0) /
    rows.length;
  const scales = Array.from({ length: 60 }, (_, step) => 10 ** (step / 20 - 1));
  return scales
    .map((scale) => ({ scale, loss: lossAt(scale) }))
    .reduce((best, each) => (each.loss < best.loss ? each : best));
}

function crossEntropy(outputs: Float64Array, label: number, scale: number): number {
  const largest = Math.max(...outputs);
  const total = outputs.reduce((sum, output) => sum + Math.exp(scale * (output - largest)), 0);
  return Math.log(total) - scale * (outputs[label]! - largest);
}
