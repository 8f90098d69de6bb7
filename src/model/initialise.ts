/** Initial parameters and running statistics as a pure function of the seed. */

import { deriveKey, Purpose, RandomStream, seedKey } from '../foundation/random.js';
import type { Layer, TensorSpec } from './layers.js';
import { tensorView } from './layout.js';
import type { Model } from './model.js';

/** Everything that training changes in a model: two flat vectors in layout order. */
export interface ModelState {
  readonly parameters: Float32Array; // (layout.parameterCount)
  readonly statistics: Float32Array; // (layout.statisticCount)
}

/**
 * Kaiming-normal weights (arXiv:1502.01852, fan-in, gain sqrt 2) for convolutions and the dense layer; batch
 * normalisation starts as the identity; biases start at zero. Running mean 0, running variance 1.
 */
export function initialiseModel(model: Model, seed: number): ModelState {
  const parameters = new Float32Array(model.layout.parameterCount);
  const statistics = new Float32Array(model.layout.statisticCount);
  const key = deriveKey(seedKey(seed), Purpose.initialisation);
  model.layers.forEach((layer, index) => {
    initialiseLayer(layer, parameters, statistics, new RandomStream(deriveKey(key, index)));
  });
  return { parameters, statistics };
}

function initialiseLayer(
  layer: Layer,
  parameters: Float32Array,
  statistics: Float32Array,
  stream: RandomStream,
): void {
  switch (layer.kind) {
    case 'convolution':
      fillKaimingNormal(parameters, layer.weight, stream);
      break;
    case 'dense':
      fillKaimingNormal(parameters, layer.weight, stream);
      break;
    case 'batch-normalisation':
      tensorView(parameters, layer.scale).fill(1);
      tensorView(statistics, layer.runningVariance).fill(1);
      break;
    case 'relu':
    case 'shortcut':
    case 'add':
    case 'global-average-pool':
    case 'dropout':
      break;
  }
}

/** The last dimension is the outputs'; all others together are the fan-in. */
function fillKaimingNormal(parameters: Float32Array, weight: TensorSpec, stream: RandomStream): void {
  const fanIn = weight.length / weight.shape[weight.shape.length - 1]!;
  const deviation = Math.sqrt(2 / fanIn);
  const view = tensorView(parameters, weight);
  for (let index = 0; index < view.length; index++) view[index] = deviation * stream.nextNormal();
}
