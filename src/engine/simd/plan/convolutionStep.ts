/**
 * A convolution together with its neighbours. Its input is loaded (and, if deferred, computed) into padded scratch, one group
 * of images at a time. The moments of its output that batch normalisation needs are taken while the output is in cache.
 */

import type { ConvolutionLayer } from '../../../model/index.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { paddedStrides, shapeKey } from '../kernels/shapes.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import type { Arena, Region } from './arena.js';
import type { Convolution, OutputGradient } from './convolution.js';
import { makeConvolution } from './makeConvolution.js';
import type { Normalisation } from './normalisation.js';
import { copyToPaddedKernel } from './pixelKernels.js';
import type { PixelStep } from './pixelStep.js';
import { forEachGroup } from './run.js';
import type { Run, Step } from './run.js';
import type { Contribution, ValueMemory } from './values.js';
import { WeightPadding } from './weights.js';

export interface ConvolutionStepOptions {
  readonly layer: ConvolutionLayer;
  readonly source: ValueMemory;
  readonly result: ValueMemory;
  /** The step that this one applies while it loads its input. */
  readonly deferred: PixelStep | undefined;
  /** Batch normalisations that read the result: their moments are taken here. */
  readonly feeds: readonly Normalisation[];
  /** The one step that reads the result, if it is batch normalisation: its input gradient is computed here. */
  readonly normalisedBy: PixelStep | undefined;
}

export class ConvolutionStep implements Step {
  /** Set by the planner; undefined if the gradient of the input is not needed. */
  inputContribution: Contribution | undefined;
  private readonly convolution: Convolution;
  private readonly groupSize: number;
  private readonly weights: WeightPadding;
  private readonly padded: Region;
  private readonly copyToPadded: Kernel;

  constructor(
    library: KernelLibrary,
    arena: Arena,
    private readonly options: ConvolutionStepOptions,
  ) {
    const { layer, source, result } = options;
    this.groupSize = result.groupSize;
    this.convolution = makeConvolution(library, arena, {
      input: source.map,
      output: result.map,
      stride: layer.stride,
      imagesPerGroup: this.groupSize,
    });
    this.weights = new WeightPadding(library, arena, layer.weight, source.map.channels, result.map.channels);
    const { map } = source;
    this.padded = arena.scratch(
      `padded input ${shapeKey(map)}/${this.groupSize}`,
      (this.groupSize * paddedStrides(map).image) / FLOAT_BYTES,
    );
    this.copyToPadded = copyToPaddedKernel(library, map);
  }

  get inputGradientPadded(): boolean {
    return this.convolution.inputGradientPadded;
  }

  prepareWeights(run: Run): void {
    const natural = this.weights.natural(run.state.parameters);
    this.convolution.prepareWeights(natural, this.weights.transposed(natural));
  }

  forward(run: Run): void {
    const { result, deferred, feeds } = this.options;
    const needsMoments = run.statistics === 'batch';
    for (const normalisation of feeds) normalisation.beginMoments();
    forEachGroup(run.imageCount, this.groupSize, (first, count) => {
      if (deferred?.options.kept) deferred.applyToResult(first, count);
      this.convolution.forward(this.loadInputs(first, count), result.data.at(first), count);
      if (!needsMoments) return;
      for (const normalisation of feeds) normalisation.addMoments(result.data.at(first), count);
    });
    if (!needsMoments) return;
    for (const normalisation of feeds) normalisation.finishMoments(run);
  }

  backward(run: Run): void {
    const { convolution, inputContribution } = this;
    convolution.beginBackward();
    inputContribution?.begin();
    forEachGroup(run.imageCount, this.groupSize, (first, count) => {
      const padded = this.loadInputs(first, count);
      convolution.backward(padded, this.outputGradient(first), count, inputContribution !== undefined);
      inputContribution?.deliver(convolution.inputGradient.byteOffset, first, count);
    });
    this.weights.collect(run.gradientSum!, (natural) => convolution.finishBackward(natural));
  }

  /** Address of a group's padded inputs: their region if they are kept, else scratch. */
  private loadInputs(first: number, count: number): number {
    const { source, deferred } = this.options;
    const scratch = this.padded.byteOffset;
    if (deferred && !deferred.options.kept) {
      deferred.applyToScratch(scratch, first, count);
      return scratch;
    }
    if (source.padded) return source.data.at(first);
    this.copyToPadded.run(source.data.at(first), 0, 0, scratch, count);
    return scratch;
  }

  private outputGradient(first: number): OutputGradient {
    const { result, normalisedBy } = this.options;
    if (normalisedBy === undefined) return { gradients: result.gradient.at(first) };
    const { result: normalised, normalisation } = normalisedBy.options;
    const coefficients = normalisation!.coefficients.byteOffset;
    return {
      gradients: normalised.gradient.at(first),
      normalised: { inputs: result.data.at(first), coefficients },
    };
  }
}
