/** The distance of two gradients of a model, tensor by tensor. */

import { tensorView } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';
import { relativeError } from './numbers.js';

/** The relative distance of each parameter tensor, by its name; both gradients are flat, in the model's layout. */
export function tensorDistances(
  model: Model,
  actual: Float32Array,
  expected: Float32Array,
): ReadonlyMap<string, number> {
  return new Map(
    model.layout.parameters.map((spec) => [
      spec.name,
      relativeError(tensorView(actual, spec), tensorView(expected, spec)),
    ]),
  );
}
