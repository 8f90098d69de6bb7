/**
 * Memory of the graph's values and the flow of gradients into them.
 *
 * If a value's producer has a ReLU, the value's gradient region finally holds the gradient *before* that ReLU, so that a
 * sum can pass its gradient on by reference. Consumers contribute in reverse order. The last one also undoes the ReLU
 * and sums for batch normalisation, in the same pass over memory.
 */

import type { Kernel, KernelLibrary } from '../kernels/library.js';
import type { GradientOptions } from '../kernels/pixelBackward.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { paddedChannels, plainStrides, stridesOf } from '../kernels/shapes.js';
import type { ImageStrides, MapShape } from '../kernels/shapes.js';
import type { ActivationShape } from '../../../model/index.js';
import type { Arena, BatchRegion } from './arena.js';
import type { Normalisation } from './normalisation.js';
import { gradientKernel } from './pixelKernels.js';
import { forEachGroup } from './run.js';

/** Groups hold about this many pixels: the data of a group in one operation should fit in the second-level cache. */
const PIXELS_PER_GROUP = 256;

export const imagesPerGroup = ({ height, width }: ActivationShape): number =>
  Math.max(1, Math.floor(PIXELS_PER_GROUP / (height * width)));

/** How the gradient of a value has to be finished for its producer. */
export interface GradientFinish {
  readonly mask: GradientOptions['mask'];
  readonly normalisation: Normalisation | undefined;
  /** The input of batch normalisation. */
  readonly normalised: BatchRegion | undefined;
}

export const NO_FINISH: GradientFinish = { mask: 'none', normalisation: undefined, normalised: undefined };

export class ValueMemory {
  readonly map: MapShape;
  /** Of `data`. */
  readonly strides: ImageStrides;
  readonly groupSize: number;
  readonly data: BatchRegion;
  readonly gradient: BatchRegion;
  finish: GradientFinish = NO_FINISH;

  constructor(
    arena: Arena,
    readonly shape: ActivationShape,
    /** Whether `data` has a border of zeros, so that convolutions can read it in place. Gradients have no border. */
    readonly padded: boolean,
  ) {
    this.map = { ...shape, channels: paddedChannels(shape.channels) };
    this.groupSize = imagesPerGroup(shape);
    this.strides = stridesOf(this.map, padded);
    const floatsPerImage = this.strides.image / FLOAT_BYTES;
    this.data = padded ? arena.zeroedBatch(floatsPerImage) : arena.batch(floatsPerImage);
    this.gradient = arena.batch(plainStrides(this.map).image / FLOAT_BYTES);
  }
}

/** What a consumer contributes: results in group scratch, a region that it made, or another value's gradient unchanged. */
export type ContributionKind = 'group' | 'region' | 'alias';

/** Plans, for one value, what each contribution has to do. Contributions are claimed in the order in which they run. */
export class GradientPlan {
  private claimed = 0;
  private alias: BatchRegion | undefined;

  constructor(
    private readonly library: KernelLibrary,
    private readonly value: ValueMemory,
    private readonly kinds: readonly ContributionKind[],
  ) {}

  /** @param time when the contribution runs @param alias the region of an 'alias' contribution */
  claim(time: number, sourcePadded: boolean, alias?: BatchRegion): Contribution {
    const index = this.claimed++;
    const isLast = index === this.kinds.length - 1;
    if (index === 0 && alias !== undefined && this.kinds.length === 2 && this.kinds[1] === 'group') {
      this.alias = alias;
      return new Contribution(this.library, this.value, {
        isSkipped: true,
        isFirst: true,
        isLast,
        sourcePadded,
      });
    }
    const addend = index === 0 ? undefined : (this.alias ?? this.value.gradient);
    addend?.usedAt(time);
    this.value.gradient.usedAt(time);
    alias?.usedAt(time);
    if (isLast) {
      const { mask, normalised } = this.value.finish;
      if (mask === 'results') this.value.data.usedAt(time);
      normalised?.usedAt(time);
    }
    const isFirst = index === 0;
    return new Contribution(this.library, this.value, {
      isSkipped: false,
      isFirst,
      isLast,
      sourcePadded,
      addend,
    });
  }
}

interface ContributionOptions {
  readonly isSkipped: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly sourcePadded: boolean;
  readonly addend?: BatchRegion | undefined;
}

export class Contribution {
  private readonly kernel: Kernel | undefined;
  private readonly finish: GradientFinish;

  constructor(
    library: KernelLibrary,
    private readonly value: ValueMemory,
    private readonly options: ContributionOptions,
  ) {
    this.finish = options.isLast ? value.finish : NO_FINISH;
    const kernelOptions: GradientOptions = {
      map: value.map,
      sourcePadded: options.sourcePadded,
      addend: options.addend !== undefined,
      mask: this.finish.mask,
      sums: this.finish.normalisation !== undefined,
      resultsPadded: this.finish.mask === 'results' && value.padded,
    };
    this.kernel = options.isSkipped ? undefined : gradientKernel(library, kernelOptions);
  }

  /** Where a consumer that writes a whole region should put it: into the gradient itself, if it is the first. */
  get writesGradientDirectly(): boolean {
    return this.options.isFirst && !this.options.isSkipped;
  }

  begin(): void {
    this.finish.normalisation?.beginGradient();
  }

  /** @param source address of a group's contribution, padded or plain as claimed */
  deliver(source: number, firstImage: number, imageCount: number): void {
    if (this.kernel === undefined) return;
    const { value, finish, options } = this;
    const address = (region: BatchRegion | undefined): number => region?.at(firstImage) ?? 0;
    const sums = finish.normalisation?.groupSums.byteOffset ?? 0;
    const coefficients = finish.normalisation?.coefficients.byteOffset ?? 0;
    this.kernel.run(
      source,
      address(options.addend),
      address(value.data),
      address(finish.normalised),
      coefficients,
      address(value.gradient),
      sums,
      imageCount,
    );
    finish.normalisation?.addGradientSums();
  }

  /** Adds a region with the contribution of the whole micro-batch. */
  deliverRegion(region: BatchRegion, imageCount: number): void {
    const isInPlace = region === this.value.gradient;
    if (isInPlace && this.finish.mask === 'none' && this.finish.normalisation === undefined) return;
    this.begin();
    forEachGroup(imageCount, this.value.groupSize, (first, count) =>
      this.deliver(region.at(first), first, count),
    );
  }
}
