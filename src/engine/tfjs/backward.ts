/**
 * The backward pass, written out layer by layer instead of using tfjs's tape. A tape keeps every intermediate result
 * of the forward pass until the end, and takes about thirty kernels for the gradient of batch normalisation.
 */

import { invariant } from '../../foundation/errors.js';
import { IMAGES } from '../../model/index.js';
import type { ConvolutionLayer, DenseLayer, Layer, TensorSpec } from '../../model/index.js';
import type { ConvolutionGeometry, Tensor, Tensor2D, Tensor4D } from './backend.js';
import { affineParameters } from './forward.js';
import type { ForwardRecord } from './forward.js';
import { planReleases } from './liveness.js';
import { ActivationStore, scoped } from './pass.js';
import type { Pass } from './pass.js';
import { shortcutBackward } from './shortcut.js';

export interface ParameterGradient {
  readonly spec: TensorSpec;
  readonly value: Tensor;
}

/** Gradients of one layer. `toOther` is that of an addition's second input. */
type LayerGradients = {
  readonly toInput?: Tensor4D;
  readonly toOther?: Tensor4D;
  readonly parameters: readonly ParameterGradient[];
};

/**
 * Gradients of every parameter that the logits depend on.
 * @param logitGradient (B, classes); still belongs to the caller
 */
export function runBackward(pass: Pass, record: ForwardRecord, logitGradient: Tensor2D): ParameterGradient[] {
  const { tf } = pass;
  const { layers } = pass.model;
  const releases = planReleases(layers, true, pass.operations.normaliser);
  const gradients = new ActivationStore();
  const result: ParameterGradient[] = [];
  const last = layers.length - 1;
  gradients.put(last, tf.reshape(logitGradient, [logitGradient.shape[0], 1, 1, logitGradient.shape[1]]));
  for (let index = last; index >= 0; index--) {
    const layer = layers[index]!;
    const incoming = gradients.take(index);
    if (incoming !== undefined) {
      const outgoing = scoped(tf, () => computeLayer(pass, record, layer, index, incoming));
      incoming.dispose();
      result.push(...outgoing.parameters);
      if (outgoing.toInput) accumulate(pass, gradients, layer.input, outgoing.toInput);
      if (outgoing.toOther && layer.kind === 'add')
        accumulate(pass, gradients, layer.other, outgoing.toOther);
    }
    record.activations.release(releases[2 * layers.length - 1 - index]!);
    releaseRecord(record, index);
  }
  return result;
}

/** Frees data that only the backward computation of a layer reads; its batch statistics belong to the result. */
function releaseRecord(record: ForwardRecord, index: number): void {
  for (const tensor of record.normalisations.get(index)?.kept ?? []) tensor.dispose();
  record.masks.get(index)?.dispose();
}

/** An activation that several layers read gets the sum of their gradients. Owns `gradient`. */
function accumulate(pass: Pass, gradients: ActivationStore, layerIndex: number, gradient: Tensor4D): void {
  if (layerIndex === IMAGES) return gradient.dispose();
  const present = gradients.take(layerIndex);
  if (present === undefined) return gradients.put(layerIndex, gradient);
  gradients.put(layerIndex, pass.tf.add(present, gradient));
  present.dispose();
  gradient.dispose();
}

function computeLayer(
  pass: Pass,
  record: ForwardRecord,
  layer: Layer,
  index: number,
  incoming: Tensor4D,
): LayerGradients {
  const { tf } = pass;
  switch (layer.kind) {
    case 'convolution':
      return convolutionGradients(pass, layer, record.activations.get(layer.input), incoming);
    case 'batch-normalisation': {
      const saved = record.normalisations.get(index);
      invariant(saved !== undefined, `layer ${layer.name} has no record of its forward pass`);
      const { normaliser } = pass.operations;
      const input = normaliser.backwardReadsInput ? record.activations.get(layer.input) : undefined;
      const found = normaliser.backward(incoming, input, affineParameters(pass, layer), saved);
      const parameters = [
        { spec: layer.scale, value: found.scale },
        { spec: layer.shift, value: found.shift },
      ];
      return { toInput: found.input, parameters };
    }
    case 'relu':
      return {
        toInput: pass.operations.rectifierGradient(incoming, record.activations.get(index)),
        parameters: [],
      };
    case 'shortcut':
      return { toInput: shortcutBackward(tf, layer, incoming), parameters: [] };
    case 'add':
      return { toInput: tf.clone(incoming), toOther: tf.clone(incoming), parameters: [] };
    case 'global-average-pool': {
      const { height, width } = layer.inputShape;
      const share = tf.mul(incoming, tf.scalar(1 / (height * width)));
      // A product with ones: on wasm, tiling is a hundred times slower than broadcasting.
      return { toInput: tf.mul(tf.ones([1, height, width, 1]), share), parameters: [] };
    }
    case 'dropout': {
      const mask = record.masks.get(index);
      invariant(mask !== undefined, `layer ${layer.name} has no record of its forward pass`);
      return { toInput: tf.mul(incoming, mask), parameters: [] };
    }
    case 'dense':
      return denseGradients(pass, layer, record.activations.get(layer.input), incoming);
  }
}

function convolutionGradients(
  pass: Pass,
  layer: ConvolutionLayer,
  input: Tensor4D,
  incoming: Tensor4D,
): LayerGradients {
  const { operations } = pass;
  const filter = pass.parameter(layer.weight) as Tensor4D;
  const geometry: ConvolutionGeometry = {
    stride: layer.stride,
    inputShape: input.shape,
    filterShape: filter.shape,
  };
  const value = operations.convolutionFilterGradient(input, incoming, geometry);
  const parameters = [{ spec: layer.weight, value }];
  if (layer.input === IMAGES) return { parameters };
  return { toInput: operations.convolutionInputGradient(incoming, filter, geometry), parameters };
}

function denseGradients(pass: Pass, layer: DenseLayer, input: Tensor4D, incoming: Tensor4D): LayerGradients {
  const { tf } = pass;
  const [batch] = input.shape;
  const rows: Tensor2D = tf.reshape(input, [batch, layer.inputShape.channels]);
  const rowGradients: Tensor2D = tf.reshape(incoming, [batch, layer.outputShape.channels]);
  const parameters: ParameterGradient[] = [
    { spec: layer.weight, value: tf.matMul(rows, rowGradients, true, false) },
    { spec: layer.bias, value: tf.sum(rowGradients, 0) },
  ];
  const toInput = tf.matMul(rowGradients, pass.parameter(layer.weight) as Tensor2D, false, true);
  return { toInput: tf.reshape(toInput, input.shape), parameters };
}
