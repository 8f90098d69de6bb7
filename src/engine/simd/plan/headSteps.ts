/**
 * The small operations at the end of a network, in float64 without kernels. Together they take far less than a percent of a
 * step. JavaScript's + - * / on float64 give the same bits on every host.
 */

import type { DropoutOperation } from '../../graph.js';
import { dropoutMask, tensorView } from '../../../model/index.js';
import type { DenseLayer } from '../../../model/index.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import type { Arena, BatchRegion } from './arena.js';
import type { Run, Step } from './run.js';
import type { Contribution, ValueMemory } from './values.js';

/** Where a step writes the gradient of a whole micro-batch, and to whom it hands it then. */
export interface RegionContribution {
  readonly to: Contribution;
  readonly region: BatchRegion;
}

export interface HeadStepOptions {
  readonly arena: Arena;
  readonly source: ValueMemory;
  readonly result: ValueMemory;
  /** Where the step puts the gradient of its source; undefined if it is not needed. */
  readonly contribution: RegionContribution | undefined;
}

abstract class HeadStep implements Step {
  constructor(protected readonly options: HeadStepOptions) {}

  abstract forward(run: Run): void;

  backward(run: Run): void {
    const { contribution, result } = this.options;
    this.parameterGradients(run);
    if (contribution === undefined) return;
    const { floats } = this.options.arena;
    this.sourceGradient(run, floats, result.gradient, contribution.region);
    contribution.to.deliverRegion(contribution.region, run.imageCount);
  }

  protected abstract sourceGradient(run: Run, floats: Float32Array, from: BatchRegion, to: BatchRegion): void;

  protected parameterGradients(_run: Run): void {
    // most have none
  }
}

/** Index of the first float of an image. */
export const floatIndex = (region: BatchRegion, image: number): number => region.at(image) / FLOAT_BYTES;

/** See model/dropout.ts; masks are drawn over (B, H, W, C) without padding channels. */
export class DropoutStep extends HeadStep {
  private mask: Float32Array = new Float32Array(0);

  constructor(
    options: HeadStepOptions,
    private readonly operation: DropoutOperation,
  ) {
    super(options);
  }

  forward(run: Run): void {
    const { source, result, arena } = this.options;
    const { height, width, channels } = source.shape;
    const length = run.imageCount * height * width * channels;
    const { layerIndex, rate } = this.operation;
    this.mask =
      run.dropoutKey === undefined
        ? new Float32Array(length).fill(1)
        : dropoutMask(run.dropoutKey, layerIndex, length, rate);
    this.applyMask(run, arena.floats, source.data, result.data);
  }

  protected sourceGradient(run: Run, floats: Float32Array, from: BatchRegion, to: BatchRegion): void {
    this.applyMask(run, floats, from, to);
  }

  private applyMask(run: Run, floats: Float32Array, from: BatchRegion, to: BatchRegion): void {
    const { source } = this.options;
    const pixelCount = source.map.height * source.map.width;
    const { channels } = source.shape;
    for (let image = 0; image < run.imageCount; image++) {
      for (let pixel = 0; pixel < pixelCount; pixel++) {
        const start = floatIndex(from, image) + pixel * source.map.channels;
        const end = floatIndex(to, image) + pixel * source.map.channels;
        const maskStart = (image * pixelCount + pixel) * channels;
        for (let channel = 0; channel < source.map.channels; channel++) {
          const factor = channel < channels ? this.mask[maskStart + channel]! : 0;
          floats[end + channel] = floats[start + channel]! * factor;
        }
      }
    }
  }
}

/** x W + b. */
export class DenseStep extends HeadStep {
  constructor(
    options: HeadStepOptions,
    private readonly layer: DenseLayer,
  ) {
    super(options);
  }

  forward(run: Run): void {
    const { source, result, arena } = this.options;
    const { floats } = arena;
    const [inputs, outputs] = this.layer.weight.shape as [number, number];
    const weight = tensorView(run.state.parameters, this.layer.weight);
    const bias = tensorView(run.state.parameters, this.layer.bias);
    for (let image = 0; image < run.imageCount; image++) {
      const start = floatIndex(source.data, image);
      const end = floatIndex(result.data, image);
      for (let output = 0; output < outputs; output++) {
        let sum = bias[output]!;
        for (let input = 0; input < inputs; input++) {
          sum += floats[start + input]! * weight[input * outputs + output]!;
        }
        floats[end + output] = sum;
      }
      for (let padding = outputs; padding < result.map.channels; padding++) floats[end + padding] = 0;
    }
  }

  protected override parameterGradients(run: Run): void {
    const { source, result, arena } = this.options;
    const { floats } = arena;
    const [inputs, outputs] = this.layer.weight.shape as [number, number];
    const weight = tensorView(run.gradientSum!, this.layer.weight);
    const bias = tensorView(run.gradientSum!, this.layer.bias);
    for (let output = 0; output < outputs; output++) {
      let biasSum = 0;
      for (let image = 0; image < run.imageCount; image++) {
        biasSum += floats[floatIndex(result.gradient, image) + output]!;
      }
      bias[output] = biasSum;
      for (let input = 0; input < inputs; input++) {
        let sum = 0;
        for (let image = 0; image < run.imageCount; image++) {
          const gradient = floats[floatIndex(result.gradient, image) + output]!;
          sum += gradient * floats[floatIndex(source.data, image) + input]!;
        }
        weight[input * outputs + output] = sum;
      }
    }
  }

  protected sourceGradient(run: Run, floats: Float32Array, from: BatchRegion, to: BatchRegion): void {
    const [inputs, outputs] = this.layer.weight.shape as [number, number];
    const weight = tensorView(run.state.parameters, this.layer.weight);
    for (let image = 0; image < run.imageCount; image++) {
      const start = floatIndex(from, image);
      const end = floatIndex(to, image);
      for (let input = 0; input < inputs; input++) {
        let sum = 0;
        for (let output = 0; output < outputs; output++) {
          sum += floats[start + output]! * weight[input * outputs + output]!;
        }
        floats[end + input] = sum;
      }
      for (let padding = inputs; padding < this.options.source.map.channels; padding++)
        floats[end + padding] = 0;
    }
  }
}
