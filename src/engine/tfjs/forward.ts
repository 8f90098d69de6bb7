/** The forward pass: executes the list of layers, from the images to the logits. */

import { dropoutMask } from '../../model/index.js';
import type { BatchNormalisationLayer, DenseLayer, Layer } from '../../model/index.js';
import type {
  AffineParameters,
  NormalisationRecord,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor4D,
} from './backend.js';
import { planReleases } from './liveness.js';
import { ActivationStore, scoped } from './pass.js';
import type { Pass } from './pass.js';
import { shortcutForward } from './shortcut.js';

/** The output of a layer, and what its backward computation needs besides activations. */
type LayerOutput = {
  readonly output: Tensor4D;
  readonly normalisation?: NormalisationRecord;
  readonly mask?: Tensor4D;
};

/** Exists inside the caller's `tf.tidy`, which frees what the backward pass does not free. */
export interface ForwardRecord {
  readonly logits: Tensor2D;
  readonly activations: ActivationStore;
  readonly normalisations: Map<number, NormalisationRecord>;
  readonly masks: Map<number, Tensor4D>;
}

export function runForward(pass: Pass): ForwardRecord {
  const { tf, model, images } = pass;
  const training = pass.mode.kind === 'training';
  const activations = new ActivationStore(images);
  const normalisations = new Map<number, NormalisationRecord>();
  const masks = new Map<number, Tensor4D>();
  const releases = planReleases(model.layers, training, pass.operations.normaliser);
  model.layers.forEach((layer, index) => {
    const result = scoped(tf, () => computeLayer(pass, activations, layer, index));
    activations.put(index, result.output);
    if (result.normalisation) normalisations.set(index, result.normalisation);
    if (result.mask) masks.set(index, result.mask);
    activations.release(releases[index]!);
  });
  const logits = tf.reshape(activations.get(model.layers.length - 1), [
    images.shape[0],
    model.classCount,
  ]) as Tensor2D;
  return { logits, activations, normalisations, masks };
}

function computeLayer(pass: Pass, activations: ActivationStore, layer: Layer, index: number): LayerOutput {
  const { tf, operations } = pass;
  const input = activations.get(layer.input);
  switch (layer.kind) {
    case 'convolution':
      return {
        output: operations.convolution(input, pass.parameter(layer.weight) as Tensor4D, layer.stride),
      };
    case 'batch-normalisation':
      return normalise(pass, layer, input);
    case 'relu':
      return { output: tf.relu(input) };
    case 'shortcut':
      return { output: shortcutForward(tf, layer, input) };
    case 'add':
      return { output: tf.add(input, activations.get(layer.other)) };
    case 'global-average-pool':
      return { output: tf.mean(input, [1, 2], true) };
    case 'dropout':
      return dropOut(pass, layer.rate, index, input);
    case 'dense':
      return { output: affine(pass, layer, input) };
  }
}

function normalise(pass: Pass, layer: BatchNormalisationLayer, input: Tensor4D): LayerOutput {
  const { mode, operations } = pass;
  const parameters = affineParameters(pass, layer);
  if (mode.kind === 'evaluation' && mode.statistics === 'running') {
    const mean = pass.statistic(layer.runningMean) as Tensor1D;
    const variance = pass.statistic(layer.runningVariance) as Tensor1D;
    return { output: operations.normaliser.forwardByRunning(input, parameters, mean, variance) };
  }
  const { output, record } = operations.normaliser.forwardByBatch(input, parameters);
  return mode.kind === 'training' ? { output, normalisation: record } : { output };
}

/** The learned parameters of a batch normalisation, which the pass owns. */
export function affineParameters(pass: Pass, layer: BatchNormalisationLayer): AffineParameters {
  return {
    scale: pass.parameter(layer.scale) as Tensor1D,
    shift: pass.parameter(layer.shift) as Tensor1D,
    epsilon: layer.epsilon,
  };
}

function dropOut(pass: Pass, rate: number, layerIndex: number, input: Tensor4D): LayerOutput {
  if (pass.mode.kind === 'evaluation') return { output: pass.tf.clone(input) };
  const values = dropoutMask(pass.mode.dropoutKey, layerIndex, input.size, rate);
  const mask = pass.tf.tensor4d(values, input.shape);
  return { output: pass.tf.mul(input, mask), mask };
}

function affine(pass: Pass, layer: DenseLayer, input: Tensor4D): Tensor4D {
  const { tf } = pass;
  const [batch] = input.shape;
  const rows = tf.reshape(input, [batch, layer.inputShape.channels]) as Tensor2D;
  const product: Tensor = tf.matMul(rows, pass.parameter(layer.weight) as Tensor2D);
  const sum = tf.add(product, pass.parameter(layer.bias));
  return tf.reshape(sum, [batch, 1, 1, layer.outputShape.channels]) as Tensor4D;
}
