/** Gradients in device memory. A kernel can bind only a few buffers; so what it cannot read at once is stored before. */

import type { ValueIndex } from '../../graph.js';
import type { Finish } from '../kernels/finish.js';
import { bindingsOf } from '../kernels/kernelSource.js';
import type { Dispatch, Reading } from '../kernels/kernelSource.js';
import { pixels } from '../kernels/pixels.js';
import { stored, sum } from '../kernels/readings.js';
import type { ForwardPass } from './forward.js';

export class StoredGradients {
  /**
   * @param bindingLimit storage buffers that a kernel may bind on the device
   * @param dispatches of the pass, which those of this class are appended to
   */
  constructor(
    private readonly forward: ForwardPass,
    private readonly bindingLimit: number,
    private readonly dispatches: Dispatch[],
  ) {}

  /** Whether a kernel can bind what these readings read, and `others` more buffers. */
  fits(readings: readonly Reading[], others: number): boolean {
    return bindingsOf(readings) + others <= this.bindingLimit;
  }

  /** The value's gradient as it is, if a kernel can read it besides `readings` and `others` more buffers; else stored. */
  within(value: ValueIndex, gradient: Reading, readings: readonly Reading[], others: number): Reading {
    return this.fits([gradient, ...readings], others) ? gradient : this.store(value, gradient);
  }

  store(value: ValueIndex, read: Reading, finish: Finish = { kind: 'store' }): Reading {
    const { forward, dispatches } = this;
    const { imageCount } = forward.options;
    const shape = forward.shapeOf(value);
    const result = forward.allocateLike('gradient', value);
    dispatches.push(pixels({ purpose: 'gradient', shape, imageCount, read, result, finish }));
    return stored(result, shape);
  }

  /** The sum in the order of the terms, by as many kernels as the terms' bindings require. */
  storeSum(value: ValueIndex, terms: readonly Reading[]): Reading {
    let together: Reading[] = [];
    for (const term of terms) {
      if (!this.fits([...together, term], 1)) together = [this.store(value, sum(together))];
      together.push(term);
    }
    return this.store(value, sum(together));
  }
}
