/**
 * The per-channel side of batch normalisation (arXiv:1502.03167): statistics, coefficients and parameter gradients. The
 * kernels sum over a group of images in float32. This code combines groups in float64, always in the same order.
 */

import type { BatchNormalisationLayer } from '../../../model/index.js';
import { emitMoments } from '../kernels/moments.js';
import { NORMALISATION_ROWS, NormalisationRow } from '../kernels/pixelPass.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { shapeKey } from '../kernels/shapes.js';
import type { MapShape } from '../kernels/shapes.js';
import type { Arena, Region } from './arena.js';
import type { Run } from './run.js';

export class Normalisation {
  /** Coefficient rows for the pixel kernels, see `NormalisationRow`. Padding channels stay zero: they map 0 to 0. */
  readonly coefficients: Region;
  /** (2, channels): where the kernels write the sums of a group. */
  readonly groupSums: Region;
  private readonly moments: Kernel;
  private readonly channelCount: number;
  private readonly pixelsPerImage: number;
  private readonly means: Float64Array;
  private readonly squares: Float64Array; // sums of squared deviations from the mean
  private readonly inverseDeviations: Float64Array;
  private readonly gradientSums: Float64Array;
  private readonly productSums: Float64Array;
  private pixelCount = 0;

  constructor(
    library: KernelLibrary,
    private readonly arena: Arena,
    private readonly layer: BatchNormalisationLayer,
    private readonly map: MapShape,
  ) {
    this.coefficients = arena.fixed(NORMALISATION_ROWS * map.channels);
    this.groupSums = arena.scratch(`group sums ${map.channels}`, 2 * map.channels);
    this.moments = library.kernel(`moments ${shapeKey(map)}`, 3, emitMoments(map));
    this.channelCount = layer.outputShape.channels;
    this.pixelsPerImage = map.height * map.width;
    const perChannel = (): Float64Array => new Float64Array(this.channelCount);
    this.means = perChannel();
    this.squares = perChannel();
    this.inverseDeviations = perChannel();
    this.gradientSums = perChannel();
    this.productSums = perChannel();
  }

  beginMoments(): void {
    this.means.fill(0);
    this.squares.fill(0);
    this.pixelCount = 0;
  }

  /** Adds a group of plain images (Chan, Golub & LeVeque 1979: update of mean and squares by those of a group). */
  addMoments(images: number, imageCount: number): void {
    this.moments.run(images, this.groupSums.byteOffset, imageCount);
    const { means, squares } = this;
    const { floats } = this.arena;
    const sums = this.groupSums.byteOffset / FLOAT_BYTES;
    const groupSquares = sums + this.map.channels;
    const count = imageCount * this.pixelsPerImage;
    const total = this.pixelCount + count;
    for (let channel = 0; channel < this.channelCount; channel++) {
      const difference = floats[sums + channel]! / count - means[channel]!;
      means[channel]! += (difference * count) / total;
      squares[channel]! +=
        floats[groupSquares + channel]! + (difference * difference * this.pixelCount * count) / total;
    }
    this.pixelCount = total;
  }

  /** Coefficients from the statistics of the micro-batch. The statistics in the result have the unbiased variance. */
  finishMoments(run: Run): void {
    const { runningMean, runningVariance } = this.layer;
    const count = this.pixelCount;
    for (let channel = 0; channel < this.channelCount; channel++) {
      const squares = this.squares[channel]!;
      this.setForward(run, channel, this.means[channel]!, squares / count);
      if (run.batchStatistics === undefined) continue;
      run.batchStatistics[runningMean.offset + channel] = this.means[channel]!;
      run.batchStatistics[runningVariance.offset + channel] = squares / Math.max(1, count - 1);
    }
  }

  useRunningStatistics(run: Run): void {
    const { runningMean, runningVariance } = this.layer;
    for (let channel = 0; channel < this.channelCount; channel++) {
      const mean = run.state.statistics[runningMean.offset + channel]!;
      this.setForward(run, channel, mean, run.state.statistics[runningVariance.offset + channel]!);
    }
  }

  beginGradient(): void {
    this.gradientSums.fill(0);
    this.productSums.fill(0);
  }

  /** Adds the sums that the gradient kernel has written for a group. */
  addGradientSums(): void {
    const { gradientSums, productSums } = this;
    const { floats } = this.arena;
    const sums = this.groupSums.byteOffset / FLOAT_BYTES;
    const products = sums + this.map.channels;
    for (let channel = 0; channel < this.channelCount; channel++) {
      gradientSums[channel]! += floats[sums + channel]!;
      productSums[channel]! += floats[products + channel]!;
    }
  }

  /** Parameter gradients, and the coefficients of dx = gain g + ((x - mean) slope + bias). */
  finishGradient(run: Run): void {
    const { scale, shift } = this.layer;
    for (let channel = 0; channel < this.channelCount; channel++) {
      const inverse = this.inverseDeviations[channel]!;
      const gradientSum = this.gradientSums[channel]!;
      const normalisedSum = this.productSums[channel]! * inverse; // sum of g times the normalised x
      if (run.gradientSum !== undefined) {
        run.gradientSum[scale.offset + channel] = normalisedSum;
        run.gradientSum[shift.offset + channel] = gradientSum;
      }
      const gain = run.state.parameters[scale.offset + channel]! * inverse;
      this.write('gain', channel, gain);
      this.write('slope', channel, (-gain * inverse * normalisedSum) / this.pixelCount);
      this.write('bias', channel, (-gain * gradientSum) / this.pixelCount);
    }
  }

  private setForward(run: Run, channel: number, mean: number, variance: number): void {
    const { scale, shift, epsilon } = this.layer;
    const inverse = 1 / Math.sqrt(variance + epsilon);
    const gain = run.state.parameters[scale.offset + channel]! * inverse;
    this.inverseDeviations[channel] = inverse;
    this.write('mean', channel, mean);
    this.write('scale', channel, gain);
    this.write('shift', channel, run.state.parameters[shift.offset + channel]! - mean * gain);
  }

  private write(row: keyof typeof NormalisationRow, channel: number, value: number): void {
    const start = this.coefficients.byteOffset / FLOAT_BYTES;
    this.arena.floats[start + NormalisationRow[row] * this.map.channels + channel] = value;
  }
}
