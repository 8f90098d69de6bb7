/** A convolution's bias: added to its outputs while they are in cache, its gradient summed over groups in float64. */

import { tensorView } from '../../../model/index.js';
import type { TensorSpec } from '../../../model/index.js';
import { emitChannelSums } from '../kernels/channelSums.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { NORMALISATION_ROWS, NormalisationRow } from '../kernels/pixelPass.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { shapeKey } from '../kernels/shapes.js';
import type { MapShape } from '../kernels/shapes.js';
import type { Arena, Region } from './arena.js';
import { forwardKernel } from './pixelKernels.js';
import type { Run } from './run.js';

export class ConvolutionBias {
  /** Scale 1 and the bias as shift, so that x 1 + bias is one rounding with or without fused multiply-add. */
  private readonly coefficients: Region;
  private readonly groupSums: Region;
  private readonly sums: Float64Array;
  private readonly addKernel: Kernel;
  private readonly sumKernel: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly arena: Arena,
    private readonly spec: TensorSpec,
    private readonly map: MapShape,
  ) {
    this.coefficients = arena.fixed(NORMALISATION_ROWS * map.channels);
    this.groupSums = arena.scratch(`channel sums ${map.channels}`, map.channels);
    this.sums = new Float64Array(spec.length);
    this.addKernel = forwardKernel(library, {
      map,
      normalise: true,
      addend: false,
      relu: false,
      sourcePadded: false,
      addendPadded: false,
      resultPadded: false,
    });
    this.sumKernel = library.kernel(`channel sums ${shapeKey(map)}`, 3, emitChannelSums(map));
  }

  prepare(run: Run): void {
    const bias = tensorView(run.state.parameters, this.spec);
    const start = this.coefficients.byteOffset / FLOAT_BYTES;
    const { channels } = this.map;
    this.arena.floats.fill(1, start + NormalisationRow.scale * channels, start + channels);
    this.arena.floats.set(bias, start + NormalisationRow.shift * channels);
  }

  /** @param outputs address of plain images */
  add(outputs: number, imageCount: number): void {
    this.addKernel.run(outputs, this.coefficients.byteOffset, 0, outputs, imageCount);
  }

  beginBackward(): void {
    this.sums.fill(0);
  }

  /** @param gradients address of plain images */
  addGradient(gradients: number, imageCount: number): void {
    this.sumKernel.run(gradients, this.groupSums.byteOffset, imageCount);
    const start = this.groupSums.byteOffset / FLOAT_BYTES;
    for (let channel = 0; channel < this.sums.length; channel++) {
      this.sums[channel]! += this.arena.floats[start + channel]!;
    }
  }

  finishBackward(run: Run): void {
    tensorView(run.gradientSum!, this.spec).set(this.sums);
  }
}
