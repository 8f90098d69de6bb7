/** Mean over height and width. */

import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { emitPool, emitPoolBackward } from '../kernels/pool.js';
import { shapeKey } from '../kernels/shapes.js';
import type { BatchRegion } from './arena.js';
import type { Run, Step } from './run.js';
import type { Contribution, ValueMemory } from './values.js';

export interface PoolStepOptions {
  readonly source: ValueMemory;
  readonly result: ValueMemory;
  readonly contribution: { readonly to: Contribution; readonly region: BatchRegion } | undefined;
}

export class PoolStep implements Step {
  private readonly forwardKernel: Kernel;
  private readonly backwardKernel: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly options: PoolStepOptions,
  ) {
    const { map } = options.source;
    this.forwardKernel = library.kernel(`pool ${shapeKey(map)}`, 3, emitPool(map));
    this.backwardKernel = library.kernel(`pool dx ${shapeKey(map)}`, 3, emitPoolBackward(map));
  }

  forward(run: Run): void {
    const { source, result } = this.options;
    this.forwardKernel.run(source.data.at(0), result.data.at(0), run.imageCount);
  }

  backward(run: Run): void {
    const { result, contribution } = this.options;
    if (contribution === undefined) return;
    this.backwardKernel.run(contribution.region.at(0), result.gradient.at(0), run.imageCount);
    contribution.to.deliverRegion(contribution.region, run.imageCount);
  }
}
