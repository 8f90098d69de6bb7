/**
 * The outputs of every layer, computed one layer at a time in float64. Engines join layers and keep no outputs; this is
 * slow and plain, for a few images before training.
 */

import { IMAGES, tensorView, zerosBefore } from '../../model/index.js';
import type {
  ActivationShape,
  BatchNormalisationLayer,
  ConvolutionLayer,
  DenseLayer,
  Layer,
  Model,
  PoolLayer,
  ShortcutLayer,
} from '../../model/index.js';

/**
 * In training, without dropout: batch normalisation by the statistics of these images.
 * @param images (B, H, W, C)
 * @returns one array a layer, (B, H, W, C)
 */
export function forward(
  { layers, inputShape }: Model,
  parameters: Float32Array,
  images: Float32Array,
): readonly Float64Array[] {
  const samples = images.length / elements(inputShape);
  const first = Float64Array.from(images);
  const outputs: Float64Array[] = [];
  const outputOf = (index: number): Float64Array => (index === IMAGES ? first : outputs[index]!);
  for (const layer of layers) outputs.push(compute(layer, { outputOf, parameters, samples }));
  return outputs;
}

interface Context {
  readonly outputOf: (layer: number) => Float64Array;
  readonly parameters: Float32Array;
  readonly samples: number;
}

function compute(layer: Layer, context: Context): Float64Array {
  const input = context.outputOf(layer.input);
  switch (layer.kind) {
    case 'convolution':
      return convolve(layer, input, context);
    case 'dense':
      return multiply(layer, input, context);
    case 'batch-normalisation':
      return normalise(layer, input, context);
    case 'relu':
      return input.map((x) => Math.max(0, x));
    case 'gelu':
      return input.map((x) => x * normalDistribution(x));
    case 'silu':
      return input.map((x) => x / (1 + Math.exp(-x)));
    case 'celu':
      return input.map((x) => (x > 0 ? x : layer.alpha * Math.expm1(x / layer.alpha)));
    case 'scale':
      return input.map((x) => x * layer.factor);
    case 'dropout':
      return input;
    case 'add': {
      const other = context.outputOf(layer.other);
      return input.map((x, index) => x + other[index]!);
    }
    case 'shortcut':
      return stride(layer, input, context);
    case 'global-average-pool':
      return pool(layer, { ...layer.inputShape, stride: 1 }, input, context);
    case 'max-pool':
    case 'average-pool':
      return pool(layer, { height: layer.size, width: layer.size, stride: layer.stride }, input, context);
  }
}

function elements({ height, width, channels }: ActivationShape): number {
  return height * width * channels;
}

function convolve(
  layer: ConvolutionLayer,
  input: Float64Array,
  { parameters, samples }: Context,
): Float64Array {
  const { inputShape: from, outputShape: to, kernelSize, stride: step } = layer;
  const weight = tensorView(parameters, layer.weight);
  const bias = layer.bias && tensorView(parameters, layer.bias);
  const before = zerosBefore(layer);
  const output = new Float64Array(samples * elements(to));
  let at = 0;
  for (let sample = 0; sample < samples; sample++) {
    for (let row = 0; row < to.height; row++) {
      for (let column = 0; column < to.width; column++, at += to.channels) {
        const sums = output.subarray(at, at + to.channels);
        if (bias) sums.set(bias);
        for (let tap = 0; tap < kernelSize * kernelSize; tap++) {
          const y = row * step - before + Math.floor(tap / kernelSize);
          const x = column * step - before + (tap % kernelSize);
          if (y < 0 || x < 0 || y >= from.height || x >= from.width) continue;
          const source = ((sample * from.height + y) * from.width + x) * from.channels;
          for (let channel = 0; channel < from.channels; channel++) {
            const value = input[source + channel]!;
            const filters = (tap * from.channels + channel) * to.channels;
            for (let filter = 0; filter < to.channels; filter++)
              sums[filter]! += value * weight[filters + filter]!;
          }
        }
      }
    }
  }
  return output;
}

function multiply(layer: DenseLayer, input: Float64Array, { parameters, samples }: Context): Float64Array {
  const weight = tensorView(parameters, layer.weight);
  const bias = layer.bias && tensorView(parameters, layer.bias);
  const inputs = elements(layer.inputShape);
  const outputs = layer.outputShape.channels;
  return Float64Array.from({ length: samples * outputs }, (_, at) => {
    const [sample, unit] = [Math.floor(at / outputs), at % outputs];
    let sum = bias?.[unit] ?? 0;
    for (let index = 0; index < inputs; index++)
      sum += input[sample * inputs + index]! * weight[index * outputs + unit]!;
    return sum;
  });
}

function normalise(
  layer: BatchNormalisationLayer,
  input: Float64Array,
  { parameters }: Context,
): Float64Array {
  const { channels } = layer.inputShape;
  const [scale, shift] = [tensorView(parameters, layer.scale), tensorView(parameters, layer.shift)];
  const count = input.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  input.forEach((value, at) => (mean[at % channels]! += value / count));
  input.forEach((value, at) => (variance[at % channels]! += (value - mean[at % channels]!) ** 2 / count));
  return input.map((value, at) => {
    const channel = at % channels;
    const standard = (value - mean[channel]!) / Math.sqrt(variance[channel]! + layer.epsilon);
    return standard * scale[channel]! + shift[channel]!;
  });
}

function stride(layer: ShortcutLayer, input: Float64Array, { samples }: Context): Float64Array {
  const { inputShape: from, outputShape: to } = layer;
  const output = new Float64Array(samples * elements(to));
  for (let pixel = 0; pixel < output.length / to.channels; pixel++) {
    const column = pixel % to.width;
    const row = Math.floor(pixel / to.width) % to.height;
    const sample = Math.floor(pixel / (to.width * to.height));
    const source =
      ((sample * from.height + row * layer.stride) * from.width + column * layer.stride) * from.channels;
    output.set(input.subarray(source, source + Math.min(from.channels, to.channels)), pixel * to.channels);
  }
  return output;
}

interface Window {
  readonly height: number;
  readonly width: number;
  readonly stride: number;
}

function pool(
  {
    kind,
    inputShape: from,
    outputShape: to,
  }: Pick<PoolLayer, 'inputShape' | 'outputShape'> & { readonly kind: Layer['kind'] },
  window: Window,
  input: Float64Array,
  { samples }: Context,
): Float64Array {
  const isMax = kind === 'max-pool';
  const output = new Float64Array(samples * elements(to));
  for (let at = 0; at < output.length; at++) {
    const channel = at % to.channels;
    const column = Math.floor(at / to.channels) % to.width;
    const row = Math.floor(at / (to.channels * to.width)) % to.height;
    const sample = Math.floor(at / elements(to));
    let result = isMax ? -Infinity : 0;
    for (let y = row * window.stride; y < row * window.stride + window.height; y++) {
      for (let x = column * window.stride; x < column * window.stride + window.width; x++) {
        const value = input[((sample * from.height + y) * from.width + x) * from.channels + channel]!;
        result = isMax ? Math.max(result, value) : result + value / (window.height * window.width);
      }
    }
    output[at] = result;
  }
  return output;
}

/** By the error function of Abramowitz and Stegun, 7.1.26: exact to 1e-7. */
function normalDistribution(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const series =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const error = 1 - series * Math.exp(-z * z);
  return x >= 0 ? 0.5 * (1 + error) : 0.5 * (1 - error);
}
