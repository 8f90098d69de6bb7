/** Option A's shortcut, used if the shape changes. */

import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { emitShortcut } from '../kernels/shortcut.js';
import { shapeKey } from '../kernels/shapes.js';
import type { BatchRegion } from './arena.js';
import type { Run, Step } from './run.js';
import type { Contribution, ValueMemory } from './values.js';

export interface ShortcutStepOptions {
  readonly source: ValueMemory;
  readonly result: ValueMemory;
  readonly stride: 1 | 2;
  readonly contribution: { readonly to: Contribution; readonly region: BatchRegion } | undefined;
}

export class ShortcutStep implements Step {
  private readonly forwardKernel: Kernel;
  private readonly backwardKernel: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly options: ShortcutStepOptions,
  ) {
    const shape = { input: options.source.map, output: options.result.map, stride: options.stride };
    const name = `${shapeKey(shape.input)} ${shapeKey(shape.output)} /${shape.stride}`;
    const { padded } = options.source;
    this.forwardKernel = library.kernel(
      `shortcut ${name}${padded ? ' padded' : ''}`,
      3,
      emitShortcut({ ...shape, inputPadded: padded }, 'forward'),
    );
    this.backwardKernel = library.kernel(
      `shortcut dx ${name}`,
      3,
      emitShortcut({ ...shape, inputPadded: false }, 'backward'),
    );
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
