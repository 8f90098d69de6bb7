/**
 * An independent reference for every engine: the layer list interpreted one activation at a time in float64, with
 * gradients by central differences. Of src/ it uses only the layer list and the dropout mask, which define the
 * network. It is slow: use small models.
 */

import type { RandomKey } from '../../src/foundation/random.js';
import { dropoutMask, IMAGES } from '../../src/model/index.js';
import type { ActivationShape, Layer, Model, PoolLayer, TensorSpec } from '../../src/model/index.js';

export type Numbers = ArrayLike<number>;

export type ReferenceMode =
  | {
      readonly kind: 'training';
      readonly dropoutKey: RandomKey;
      readonly labelSmoothing?: number;
      readonly mixture?: { readonly labels: Uint8Array; readonly share: number } | undefined;
    }
  | { readonly kind: 'evaluation'; readonly statistics: 'batch' }
  | { readonly kind: 'evaluation'; readonly statistics: 'running'; readonly runningStatistics: Numbers };

export interface ReferenceResult {
  /** (B, classes), row by row. */
  readonly logits: Float64Array;
  readonly lossSum: number;
  readonly correct: number;
  /** Mean and unbiased variance of the micro-batch, in statistics layout. */
  readonly batchStatistics: Float64Array;
}

/** Forward pass and loss of B = labels.length images. */
export function referenceForward(
  model: Model,
  parameters: Numbers,
  images: Numbers,
  labels: Uint8Array,
  mode: ReferenceMode,
): ReferenceResult {
  const network = new ReferenceNetwork(model, parameters, labels.length, mode);
  const smoothing = mode.kind === 'training' ? (mode.labelSmoothing ?? 0) : 0;
  const logits = network.run(Float64Array.from(images));
  const { mixture } = mode.kind === 'training' ? mode : {};
  const mixed = mixture ?? { labels, share: 1 };
  const first = crossEntropy(logits, labels, smoothing);
  const second = crossEntropy(logits, mixed.labels, smoothing);
  const lossSum = mixed.share * first.lossSum + (1 - mixed.share) * second.lossSum;
  const { correct } = mixed.share < 0.5 ? second : first;
  return { logits, lossSum, correct, batchStatistics: network.batchStatistics };
}

/**
 * dL/dp of the loss sum for chosen entries of the parameter vector, by central differences in float64 (error about
 * 1e-8 relative away from a kink of a ReLU).
 */
export function referenceGradient(
  model: Model,
  parameters: Numbers,
  images: Numbers,
  labels: Uint8Array,
  mode: ReferenceMode,
  indices: readonly number[],
): Float64Array {
  const moved = Float64Array.from(parameters);
  const lossAt = (index: number, value: number): number => {
    const held = moved[index]!;
    moved[index] = value;
    const { lossSum } = referenceForward(model, moved, images, labels, mode);
    moved[index] = held;
    return lossSum;
  };
  return Float64Array.from(indices, (index) => {
    const value = moved[index]!;
    const distance = 1e-5 * Math.max(1, Math.abs(value));
    return (lossAt(index, value + distance) - lossAt(index, value - distance)) / (2 * distance);
  });
}

/** The loss as PyTorch's cross_entropy(label_smoothing) defines it: the loss of each class, weighted by the target. */
function crossEntropy(
  logits: Float64Array,
  labels: Uint8Array,
  smoothing: number,
): { lossSum: number; correct: number } {
  const classCount = logits.length / labels.length;
  let lossSum = 0;
  let correct = 0;
  labels.forEach((label, sample) => {
    const row = [...logits.subarray(sample * classCount, (sample + 1) * classCount)];
    const largest = Math.max(...row);
    const logTotal = largest + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
    row.forEach((logit, index) => {
      const weight = smoothing / classCount + (index === label ? 1 - smoothing : 0);
      lossSum += weight * (logTotal - logit);
    });
    if (row.indexOf(largest) === label) correct++;
  });
  return { lossSum, correct };
}

class ReferenceNetwork {
  readonly batchStatistics: Float64Array;

  constructor(
    private readonly model: Model,
    private readonly parameters: Numbers,
    private readonly batchSize: number,
    private readonly mode: ReferenceMode,
  ) {
    this.batchStatistics = new Float64Array(model.layout.statisticCount);
  }

  run(images: Float64Array): Float64Array {
    const activations: Float64Array[] = [];
    const activation = (index: number): Float64Array => (index === IMAGES ? images : activations[index]!);
    this.model.layers.forEach((layer, index) => {
      const input = activation(layer.input);
      const other = layer.kind === 'add' ? activation(layer.other) : input;
      activations.push(this.compute(layer, index, input, other));
    });
    return activations.at(-1)!;
  }

  private compute(layer: Layer, index: number, input: Float64Array, other: Float64Array): Float64Array {
    switch (layer.kind) {
      case 'convolution':
        return this.convolve(layer, input);
      case 'batch-normalisation':
        return this.normalise(layer, input);
      case 'relu':
        return input.map((value) => Math.max(value, 0));
      case 'gelu':
        return input.map((value) => value * normalDistribution(value));
      case 'silu':
        return input.map((value) => value / (1 + Math.exp(-value)));
      case 'celu':
        return input.map((value) => (value > 0 ? value : layer.alpha * (Math.exp(value / layer.alpha) - 1)));
      case 'max-pool':
      case 'average-pool':
        return this.poolWindows(layer, input);
      case 'scale':
        return input.map((value) => value * layer.factor);
      case 'shortcut':
        return this.strideAndPad(layer, input);
      case 'add':
        return input.map((value, position) => value + other[position]!);
      case 'global-average-pool':
        return this.pool(layer, input);
      case 'dropout':
        return this.dropOut(layer.rate, index, input);
      case 'dense':
        return this.multiply(layer, input);
    }
  }

  private convolve(layer: Extract<Layer, { kind: 'convolution' }>, input: Float64Array): Float64Array {
    const { inputShape, outputShape, stride, kernelSize, padding, bias } = layer;
    const weight = this.read(layer.weight);
    const zeros = padding !== 'valid' && kernelSize === 3 ? 1 : 0; // before the first pixel
    return this.fill(outputShape, (sample, row, column, channel) => {
      let sum = bias === undefined ? 0 : this.read(bias)(channel);
      for (let kernelRow = 0; kernelRow < kernelSize; kernelRow++) {
        for (let kernelColumn = 0; kernelColumn < kernelSize; kernelColumn++) {
          const y = row * stride + kernelRow - zeros;
          const x = column * stride + kernelColumn - zeros;
          if (y < 0 || x < 0 || y >= inputShape.height || x >= inputShape.width) continue;
          for (let from = 0; from < inputShape.channels; from++) {
            const tap =
              ((kernelRow * kernelSize + kernelColumn) * inputShape.channels + from) * outputShape.channels;
            sum += input[position(inputShape, sample, y, x, from)]! * weight(tap + channel);
          }
        }
      }
      return sum;
    });
  }

  private normalise(
    layer: Extract<Layer, { kind: 'batch-normalisation' }>,
    input: Float64Array,
  ): Float64Array {
    const { channels } = layer.inputShape;
    const count = input.length / channels;
    const output = new Float64Array(input.length);
    for (let channel = 0; channel < channels; channel++) {
      const values = input.filter((_, index) => index % channels === channel);
      const batchMean = values.reduce((sum, value) => sum + value, 0) / count;
      const squares = values.reduce((sum, value) => sum + (value - batchMean) ** 2, 0);
      this.batchStatistics[layer.runningMean.offset + channel] = batchMean;
      this.batchStatistics[layer.runningVariance.offset + channel] = squares / (count - 1);
      const given =
        this.mode.kind === 'evaluation' && this.mode.statistics === 'running' ? this.mode : undefined;
      const mean = given?.runningStatistics[layer.runningMean.offset + channel] ?? batchMean;
      const variance = given?.runningStatistics[layer.runningVariance.offset + channel] ?? squares / count;
      const scale = this.read(layer.scale)(channel) / Math.sqrt(variance + layer.epsilon);
      values.forEach((value, index) => {
        output[index * channels + channel] = (value - mean) * scale + this.read(layer.shift)(channel);
      });
    }
    return output;
  }

  private strideAndPad(layer: Extract<Layer, { kind: 'shortcut' }>, input: Float64Array): Float64Array {
    const { inputShape, stride } = layer;
    return this.fill(layer.outputShape, (sample, row, column, channel) =>
      channel < inputShape.channels
        ? input[position(inputShape, sample, row * stride, column * stride, channel)]!
        : 0,
    );
  }

  private pool(layer: Layer, input: Float64Array): Float64Array {
    const { inputShape } = layer;
    return this.fill(layer.outputShape, (sample, _row, _column, channel) => {
      let sum = 0;
      for (let y = 0; y < inputShape.height; y++) {
        for (let x = 0; x < inputShape.width; x++) sum += input[position(inputShape, sample, y, x, channel)]!;
      }
      return sum / (inputShape.height * inputShape.width);
    });
  }

  private poolWindows(
    { kind, size, stride, inputShape, outputShape }: PoolLayer,
    input: Float64Array,
  ): Float64Array {
    return this.fill(outputShape, (sample, row, column, channel) => {
      const window = Array.from(
        { length: size * size },
        (_, index) =>
          input[
            position(
              inputShape,
              sample,
              row * stride + Math.floor(index / size),
              column * stride + (index % size),
              channel,
            )
          ]!,
      );
      return kind === 'max-pool'
        ? Math.max(...window)
        : window.reduce((sum, value) => sum + value, 0) / window.length;
    });
  }

  private dropOut(rate: number, layerIndex: number, input: Float64Array): Float64Array {
    if (this.mode.kind === 'evaluation') return input;
    const mask = dropoutMask(this.mode.dropoutKey, layerIndex, input.length, rate);
    return input.map((value, index) => value * mask[index]!);
  }

  private multiply(layer: Extract<Layer, { kind: 'dense' }>, input: Float64Array): Float64Array {
    const inputs = layer.inputShape.channels;
    const outputs = layer.outputShape.channels;
    return this.fill(layer.outputShape, (sample, _row, _column, channel) => {
      let sum = layer.bias === undefined ? 0 : this.read(layer.bias)(channel);
      for (let from = 0; from < inputs; from++) {
        sum += input[sample * inputs + from]! * this.read(layer.weight)(from * outputs + channel);
      }
      return sum;
    });
  }

  private read(spec: TensorSpec): (index: number) => number {
    return (index) => this.parameters[spec.offset + index]!;
  }

  /** A (B, H, W, C) activation from a formula. */
  private fill(
    shape: ActivationShape,
    value: (sample: number, row: number, column: number, channel: number) => number,
  ): Float64Array {
    const output = new Float64Array(this.batchSize * shape.height * shape.width * shape.channels);
    let index = 0;
    for (let sample = 0; sample < this.batchSize; sample++) {
      for (let row = 0; row < shape.height; row++) {
        for (let column = 0; column < shape.width; column++) {
          for (let channel = 0; channel < shape.channels; channel++) {
            output[index++] = value(sample, row, column, channel);
          }
        }
      }
    }
    return output;
  }
}

function position(shape: ActivationShape, sample: number, y: number, x: number, channel: number): number {
  return ((sample * shape.height + y) * shape.width + x) * shape.channels + channel;
}

/** Phi(x), by its series about 0 where that is accurate, else by its continued fraction: 1e-14 and better. */
export function normalDistribution(x: number): number {
  const a = Math.abs(x);
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (a > 40) return x > 0 ? 1 : 0;
  if (a < 4) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 120; n++) sum += term *= (x * x) / (2 * n + 1);
    return 0.5 + density * sum;
  }
  let fraction = a;
  for (let n = 200; n >= 1; n--) fraction = a + n / fraction;
  return x > 0 ? 1 - density / fraction : density / fraction;
}
