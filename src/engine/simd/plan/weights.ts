/** Converts between the parameter vector and weights whose channels are padded to whole vectors. */

import { tensorView } from '../../../model/index.js';
import type { TensorSpec } from '../../../model/index.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { emitTranspose } from '../kernels/transpose.js';
import type { Arena, Region } from './arena.js';

const TAPS = 9;

/** Weights (3, 3, inputs, outputs) of one convolution. */
export class WeightPadding {
  /** (3, 3, padded inputs, padded outputs); shared by all weights of that shape, during one call. */
  readonly region: Region;
  private readonly transposedRegion: Region;
  private readonly inputs: number;
  private readonly outputs: number;
  private readonly transpose: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly arena: Arena,
    private readonly spec: TensorSpec,
    private readonly paddedInputs: number,
    private readonly paddedOutputs: number,
  ) {
    [, , this.inputs, this.outputs] = spec.shape as [number, number, number, number];
    const length = TAPS * paddedInputs * paddedOutputs;
    const name = `${this.inputs}/${paddedInputs}x${this.outputs}/${paddedOutputs}`;
    this.region = arena.scratch(`weights ${name}`, length);
    this.transposedRegion = arena.scratch(`transposed weights ${name}`, length);
    this.transpose = library.kernel(
      `transpose ${paddedInputs}x${paddedOutputs}`,
      3,
      emitTranspose({ rows: paddedInputs, columns: paddedOutputs }),
    );
  }

  natural(parameters: Float32Array): Region {
    const from = tensorView(parameters, this.spec);
    const to = this.arena.view(this.region);
    if (!this.isPadded) {
      to.set(from);
      return this.region;
    }
    to.fill(0); // a gradient was here before, and one that has diverged may have left a NaN in the padding
    this.forEachRow((row, paddedRow) => {
      for (let output = 0; output < this.outputs; output++) to[paddedRow + output] = from[row + output]!;
    });
    return this.region;
  }

  /** The weights that `natural` wrote, with inputs and outputs exchanged. */
  transposed(natural: Region): Region {
    this.transpose.run(natural.byteOffset, this.transposedRegion.byteOffset, TAPS);
    return this.transposedRegion;
  }

  /**
   * Lets `write` write the gradient in padded form, then copies it to its place in the gradient vector.
   * @param gradient a view of the arena
   */
  collect(gradient: Float32Array, write: (natural: Region) => void): void {
    const to = tensorView(gradient, this.spec);
    if (!this.isPadded) {
      write(to);
      return;
    }
    write(this.region);
    const from = this.arena.view(this.region);
    this.forEachRow((row, paddedRow) => {
      for (let output = 0; output < this.outputs; output++) to[row + output] = from[paddedRow + output]!;
    });
  }

  private get isPadded(): boolean {
    return this.inputs !== this.paddedInputs || this.outputs !== this.paddedOutputs;
  }

  private forEachRow(body: (row: number, paddedRow: number) => void): void {
    for (let tap = 0; tap < TAPS; tap++) {
      for (let input = 0; input < this.inputs; input++) {
        body(
          (tap * this.inputs + input) * this.outputs,
          (tap * this.paddedInputs + input) * this.paddedOutputs,
        );
      }
    }
  }
}
