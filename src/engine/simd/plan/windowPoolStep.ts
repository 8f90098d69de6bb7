/** Maximum or mean over windows. */

import type { PoolLayer } from '../../../model/index.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { shapeKey } from '../kernels/shapes.js';
import { emitWindowPool, emitWindowPoolBackward, isPartition } from '../kernels/windowPool.js';
import type { WindowPoolShape } from '../kernels/windowPool.js';
import type { Arena, BatchRegion } from './arena.js';
import type { Run, Step } from './run.js';
import type { Contribution, ValueMemory } from './values.js';

export interface WindowPoolStepOptions {
  readonly arena: Arena;
  readonly layer: PoolLayer;
  readonly source: ValueMemory;
  readonly result: ValueMemory;
  readonly contribution: { readonly to: Contribution; readonly region: BatchRegion } | undefined;
}

export class WindowPoolStep implements Step {
  private readonly shape: WindowPoolShape;
  private readonly forwardKernel: Kernel;
  private readonly backwardKernel: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly options: WindowPoolStepOptions,
  ) {
    const { source, result, layer } = options;
    const { kind, size, stride } = layer;
    this.shape = { kind, input: source.map, output: result.map, size, stride, inputPadded: source.padded };
    const padded = source.padded ? ' padded' : '';
    const name = `${kind} ${size}/${stride} ${shapeKey(source.map)} ${shapeKey(result.map)}${padded}`;
    this.forwardKernel = library.kernel(name, 3, emitWindowPool(this.shape));
    this.backwardKernel = library.kernel(`dx ${name}`, 5, emitWindowPoolBackward(this.shape));
  }

  forward(run: Run): void {
    const { source, result } = this.options;
    this.forwardKernel.run(source.data.at(0), result.data.at(0), run.imageCount);
  }

  backward(run: Run): void {
    const { arena, source, result, contribution } = this.options;
    if (contribution === undefined) return;
    const { region, to } = contribution;
    if (!isPartition(this.shape)) arena.zero(region, (run.imageCount * region.imageBytes) / FLOAT_BYTES);
    this.backwardKernel.run(
      source.data.at(0),
      result.data.at(0),
      result.gradient.at(0),
      region.at(0),
      run.imageCount,
    );
    to.deliverRegion(region, run.imageCount);
  }
}
