/** Batch normalisation, a sum and ReLU (those that are present) in one pass. */

import type { Kernel, KernelLibrary } from '../kernels/library.js';
import type { BatchRegion } from './arena.js';
import type { Normalisation } from './normalisation.js';
import { forwardKernel, normalisationBackwardKernel } from './pixelKernels.js';
import { forEachGroup } from './run.js';
import type { Run, Step } from './run.js';
import type { Contribution, ValueMemory } from './values.js';

export interface PixelStepOptions {
  readonly source: ValueMemory;
  readonly addend: ValueMemory | undefined;
  readonly relu: boolean;
  readonly result: ValueMemory;
  readonly normalisation: Normalisation | undefined;
  /** Whether the convolution that computes the source also takes its moments. */
  readonly momentsBySource: boolean;
  /** Whether the next convolution applies this step as it loads its input. */
  readonly deferred: boolean;
  /** Whether the result is kept. If not, it is computed again where it is needed. */
  readonly kept: boolean;
}

export class PixelStep implements Step {
  /** Set by the planner: the gradients that the backward pass contributes, unless other steps compute them. */
  sourceContribution: Contribution | undefined;
  addendContribution: Contribution | undefined;
  private readonly kernel: Kernel;
  private readonly inputGradient: Kernel | undefined;

  constructor(
    library: KernelLibrary,
    readonly options: PixelStepOptions,
    private readonly gradientScratch: BatchRegion | undefined,
  ) {
    const { source, result, normalisation, addend, relu, kept } = options;
    this.kernel = forwardKernel(library, {
      map: result.map,
      normalise: normalisation !== undefined,
      addend: addend !== undefined,
      relu,
      sourcePadded: source.padded,
      addendPadded: addend?.padded ?? false,
      resultPadded: result.padded || !kept,
    });
    this.inputGradient = gradientScratch && normalisationBackwardKernel(library, source.map, false);
  }

  forward(run: Run): void {
    const { normalisation, momentsBySource, source, result, deferred } = this.options;
    if (normalisation !== undefined && run.statistics === 'running') normalisation.useRunningStatistics(run);
    else if (normalisation !== undefined && !momentsBySource) {
      normalisation.beginMoments();
      forEachGroup(run.imageCount, source.groupSize, (first, count) =>
        normalisation.addMoments(source.data.at(first), count),
      );
      normalisation.finishMoments(run);
    }
    if (deferred) return;
    forEachGroup(run.imageCount, result.groupSize, (first, count) => this.applyToResult(first, count));
  }

  /** Computes a group's results into their region. */
  applyToResult(first: number, count: number): void {
    this.apply(first, count, this.options.result.data.at(first));
  }

  /** Computes a group's results for the next convolution only, into padded scratch. */
  applyToScratch(padded: number, first: number, count: number): void {
    this.apply(first, count, padded);
  }

  backward(run: Run): void {
    const { normalisation, result, source } = this.options;
    normalisation?.finishGradient(run);
    this.addendContribution?.deliverRegion(result.gradient, run.imageCount);
    if (this.sourceContribution === undefined) return;
    if (normalisation === undefined) {
      this.sourceContribution.deliverRegion(result.gradient, run.imageCount);
      return;
    }
    const scratch = this.gradientScratch!;
    forEachGroup(run.imageCount, source.groupSize, (first, count) =>
      this.inputGradient!.run(
        result.gradient.at(first),
        source.data.at(first),
        normalisation.coefficients.byteOffset,
        scratch.at(first),
        count,
      ),
    );
    this.sourceContribution.deliverRegion(scratch, run.imageCount);
  }

  private apply(first: number, count: number, destination: number): void {
    const { source, addend, normalisation } = this.options;
    this.kernel.run(
      source.data.at(first),
      normalisation?.coefficients.byteOffset ?? 0,
      addend?.data.at(first) ?? 0,
      destination,
      count,
    );
  }
}
