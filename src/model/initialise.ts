/** Initial parameters and running statistics as a pure function of the seed. */

import { invariant } from '../foundation/errors.js';
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
 * normalisation starts as the identity; biases start at zero. Running mean 0, running variance 1. A tensor's own
 * `initial` replaces this.
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
    case 'dense':
      fillWeight(parameters, layer.weight, stream);
      if (layer.bias) fillVector(parameters, layer.bias, 0);
      break;
    case 'batch-normalisation':
      fillVector(parameters, layer.scale, 1);
      fillVector(parameters, layer.shift, 0);
      tensorView(statistics, layer.runningVariance).fill(1);
      break;
    case 'relu':
    case 'gelu':
    case 'silu':
    case 'celu':
    case 'max-pool':
    case 'average-pool':
    case 'scale':
    case 'shortcut':
    case 'add':
    case 'global-average-pool':
    case 'dropout':
      break;
  }
}

function fillWeight(parameters: Float32Array, weight: TensorSpec, stream: RandomStream): void {
  switch (weight.initial?.kind) {
    case undefined:
    case 'kaiming':
      return fillKaimingNormal(parameters, weight, stream);
    case 'dirac':
    case 'whitening':
      fillKaimingUniform(parameters, weight, stream);
      return overwriteByDirac(parameters, weight);
    case 'zero':
    case 'values':
      return fillVector(parameters, weight, 0);
  }
}

/** A tensor that starts at one value, unless its own `initial` says otherwise. */
function fillVector(parameters: Float32Array, spec: TensorSpec, usual: number): void {
  const view = tensorView(parameters, spec);
  if (spec.initial?.kind === 'values') {
    const { values } = spec.initial;
    invariant(
      values.length === spec.length,
      `${spec.name} has ${spec.length} elements, not ${values.length}`,
    );
    view.set(values);
    return;
  }
  view.fill(spec.initial?.kind === 'zero' ? 0 : usual);
}

/** The last dimension is the outputs'; all others together are the fan-in. */
function fillKaimingNormal(parameters: Float32Array, weight: TensorSpec, stream: RandomStream): void {
  const fanIn = weight.length / weight.shape[weight.shape.length - 1]!;
  const deviation = Math.sqrt(2 / fanIn);
  const view = tensorView(parameters, weight);
  for (let index = 0; index < view.length; index++) view[index] = deviation * stream.nextNormal();
}

/** PyTorch's default for convolutions: uniform in +-sqrt(1 / fan-in), which is kaiming_uniform_ with a = sqrt 5. */
function fillKaimingUniform(parameters: Float32Array, weight: TensorSpec, stream: RandomStream): void {
  const fanIn = weight.length / weight.shape[weight.shape.length - 1]!;
  const bound = Math.sqrt(1 / fanIn);
  const view = tensorView(parameters, weight);
  for (let index = 0; index < view.length; index++) view[index] = bound * (2 * stream.nextUniform() - 1);
}

/**
 * The first Cin filters of a convolution (K, K, Cin, Cout) pass their own input on, as torch.nn.init.dirac_ makes them;
 * all of them where there are fewer. The tap is the middle one, or the one after the middle.
 */
function overwriteByDirac(parameters: Float32Array, weight: TensorSpec): void {
  const [rows, columns, inputs, outputs] = weight.shape as [number, number, number, number];
  const view = tensorView(parameters, weight);
  const passing = Math.min(inputs, outputs);
  const middle = (Math.floor(rows / 2) * columns + Math.floor(columns / 2)) * inputs;
  for (let filter = 0; filter < passing; filter++) {
    for (let row = 0; row < rows * columns * inputs; row++) {
      view[row * outputs + filter] = row === middle + filter ? 1 : 0;
    }
  }
}
