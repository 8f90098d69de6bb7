/** Writes a description layer by layer. Each method returns the new layer's name, for others to read. */

import type { LayerEntry } from './layerKinds.js';

/** One kind of layer as a description has it. */
export type LayerEntryOf<Kind extends LayerEntry['kind']> = Extract<LayerEntry, { kind: Kind }>;

/** Left out: 3x3 with zeros all around, no bias, trained from the usual first values. */
export type ConvolutionOptions = Pick<
  LayerEntryOf<'convolution'>,
  'kernelSize' | 'padding' | 'bias' | 'frozen' | 'initial'
>;
export type BatchNormalisationOptions = Pick<
  LayerEntryOf<'batch-normalisation'>,
  'epsilon' | 'momentum' | 'frozen' | 'initial'
>;
/** Left out: with a bias, trained from the usual first values. */
export type DenseOptions = Pick<LayerEntryOf<'dense'>, 'bias' | 'frozen' | 'initial'>;

/** The layers and their options are those of docs/networks.md; `images` is the input of the first. */
export class NetworkBuilder {
  readonly layers: LayerEntry[] = [];

  convolution(
    name: string,
    input: string,
    channels: number,
    stride: 1 | 2 = 1,
    options: ConvolutionOptions = {},
  ): string {
    return this.push({ kind: 'convolution', name, input, channels, kernelSize: 3, stride, ...options });
  }

  batchNormalisation(name: string, input: string, options: BatchNormalisationOptions = {}): string {
    return this.push({ kind: 'batch-normalisation', name, input, ...options });
  }

  relu(name: string, input: string): string {
    return this.push({ kind: 'relu', name, input });
  }

  /** The exact one, x Phi(x). */
  gelu(name: string, input: string): string {
    return this.push({ kind: 'gelu', name, input });
  }

  silu(name: string, input: string): string {
    return this.push({ kind: 'silu', name, input });
  }

  celu(name: string, input: string, alpha = 1): string {
    return this.push({ kind: 'celu', name, input, alpha });
  }

  /** The largest of each window; by default the windows lie side by side. */
  maxPool(name: string, input: string, size: number, stride = size): string {
    return this.push({ kind: 'max-pool', name, input, size, stride });
  }

  /** The mean of each window; by default the windows lie side by side. */
  averagePool(name: string, input: string, size: number, stride = size): string {
    return this.push({ kind: 'average-pool', name, input, size, stride });
  }

  /** The input times a fixed factor. */
  scale(name: string, input: string, factor: number): string {
    return this.push({ kind: 'scale', name, input, factor });
  }

  /** Every `stride`-th pixel, and zeros for the channels that are new. */
  shortcut(name: string, input: string, channels: number, stride: 1 | 2 = 1): string {
    return this.push({ kind: 'shortcut', name, input, channels, stride });
  }

  add(name: string, input: string, other: string): string {
    return this.push({ kind: 'add', name, input, other });
  }

  globalAveragePool(name: string, input: string): string {
    return this.push({ kind: 'global-average-pool', name, input });
  }

  dropout(name: string, input: string, rate: number): string {
    return this.push({ kind: 'dropout', name, input, rate });
  }

  dense(name: string, input: string, channels: number, options: DenseOptions = {}): string {
    return this.push({ kind: 'dense', name, input, channels, ...options });
  }

  private push(layer: LayerEntry): string {
    this.layers.push(layer);
    return layer.name;
  }
}
