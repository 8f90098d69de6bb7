/**
 * A convolution with what surrounds it: its input is loaded (and, if deferred, computed) into padded scratch a group of
 * images at a time, and what batch normalisation needs of its output is taken while that is still in cache.
 */

import type { ConvolutionLayer } from '../../../model/index.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { paddedStrides, plainStrides } from '../kernels/shapes.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import type { Arena, Region } from './arena.js';
import { makeConvolution } from './convolution.js';
import type { Convolution } from './convolution.js';
import type { Normalisation } from './normalisation.js';
import { forwardKernel, normalisationBackwardKernel } from './pixelStep.js';
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
  /** Set by the planner; undefined where nobody wants the gradient of the input. */
  inputContribution: Contribution | undefined;
  private readonly convolution: Convolution;
  private readonly groupSize: number;
  private readonly weights: WeightPadding;
  private readonly padded: Region;
  private readonly outputGradient: Region;
  private readonly copyToPadded: Kernel;
  private readonly gradientToPadded: Kernel;
  private readonly normalisationBackward: Kernel;

  constructor(
    library: KernelLibrary,
    arena: Arena,
    private readonly options: ConvolutionStepOptions,
  ) {
    const { layer, source, result } = options;
    this.groupSize = source.groupSize;
    this.convolution = makeConvolution(library, arena, {
      input: source.map,
      output: result.map,
      stride: layer.stride,
      imagesPerGroup: this.groupSize,
    });
    this.weights = new WeightPadding(arena, layer.weight, source.map.channels, result.map.channels);
    const scratch = (name: string, floats: number): Region => arena.scratch(`${name} ${floats}`, floats);
    const paddedFloats = (this.groupSize * paddedStrides(source.map).image) / FLOAT_BYTES;
    this.padded = arena.scratch(
      `padded input ${source.map.height}x${source.map.width}x${source.map.channels}`,
      paddedFloats,
    );
    const { gradientPadded } = this.convolution;
    const { map } = result;
    this.outputGradient = gradientPadded
      ? arena.scratch(
          `padded output gradient ${map.height}x${map.width}x${map.channels}/${this.groupSize}`,
          (this.groupSize * paddedStrides(map).image) / FLOAT_BYTES,
        )
      : scratch('output gradient', (this.groupSize * plainStrides(map).image) / FLOAT_BYTES);
    const copy = { normalise: false, addend: false, relu: false, plain: false, padded: true };
    this.copyToPadded = forwardKernel(library, { map: source.map, ...copy });
    this.gradientToPadded = forwardKernel(library, { map: result.map, ...copy });
    this.normalisationBackward = normalisationBackwardKernel(library, result, gradientPadded);
  }

  get inputGradientPadded(): boolean {
    return this.convolution.inputGradientPadded;
  }

  prepareWeights(run: Run): void {
    this.convolution.prepareWeights(
      this.weights.natural(run.state.parameters),
      this.weights.transposed(run.state.parameters),
    );
  }

  forward(run: Run): void {
    const { source, result, deferred, feeds } = this.options;
    const padded = this.padded.byteOffset;
    const needsMoments = run.statistics === 'batch';
    for (const normalisation of feeds) normalisation.beginMoments();
    forEachGroup(run.imageCount, this.groupSize, (first, count) => {
      if (deferred) deferred.loadForward(padded, first, count);
      else this.copyToPadded.run(source.data.at(first), 0, 0, 0, padded, count);
      this.convolution.forward(padded, result.data.at(first), count);
      if (!needsMoments) return;
      for (const normalisation of feeds) normalisation.addMoments(result.data.at(first), count);
    });
    if (!needsMoments) return;
    for (const normalisation of feeds) normalisation.finishMoments(run);
  }

  backward(run: Run): void {
    const { source, deferred } = this.options;
    const { convolution, inputContribution } = this;
    const padded = this.padded.byteOffset;
    convolution.beginBackward();
    inputContribution?.begin();
    forEachGroup(run.imageCount, this.groupSize, (first, count) => {
      if (deferred && !deferred.options.kept) deferred.loadAgain(padded, first, count);
      else this.copyToPadded.run(source.data.at(first), 0, 0, 0, padded, count);
      const gradients = this.loadGradients(first, count);
      convolution.backward(padded, gradients, count, inputContribution !== undefined);
      inputContribution?.deliver(convolution.inputGradient.byteOffset, first, count);
    });
    convolution.finishBackward(this.weights.region);
    this.weights.unpad(run.gradientSum!);
  }

  /** Address of a group's output gradients, in the form that the convolution wants. */
  private loadGradients(first: number, count: number): number {
    const { result, normalisedBy } = this.options;
    const scratch = this.outputGradient.byteOffset;
    if (normalisedBy !== undefined) {
      const { result: normalised, normalisation } = normalisedBy.options;
      const coefficients = normalisation!.coefficients.byteOffset;
      this.normalisationBackward.run(
        normalised.gradient.at(first),
        result.data.at(first),
        coefficients,
        scratch,
        count,
      );
      return scratch;
    }
    if (!this.convolution.gradientPadded) return result.gradient.at(first);
    this.gradientToPadded.run(result.gradient.at(first), 0, 0, 0, scratch, count);
    return scratch;
  }
}
