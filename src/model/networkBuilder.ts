/** Writes a description layer by layer. Each method returns the new layer's name, for others to read. */

import type { LayerEntry } from './layerKinds.js';

export class NetworkBuilder {
  readonly layers: LayerEntry[] = [];

  /** 3x3, padding 1, no bias. */
  convolution(name: string, input: string, channels: number, stride: 1 | 2 = 1): string {
    return this.push({ kind: 'convolution', name, input, channels, kernelSize: 3, stride });
  }

  batchNormalisation(name: string, input: string): string {
    return this.push({ kind: 'batch-normalisation', name, input });
  }

  relu(name: string, input: string): string {
    return this.push({ kind: 'relu', name, input });
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

  dense(name: string, input: string, channels: number): string {
    return this.push({ kind: 'dense', name, input, channels });
  }

  private push(layer: LayerEntry): string {
    this.layers.push(layer);
    return layer.name;
  }
}
