/** Convolution without transforms, for maps that do not consist of whole tiles. */

import {
  emitDirectForward,
  emitDirectInputGradient,
  emitDirectWeightGradient,
} from '../kernels/directConvolution.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { BLOCK_COLUMNS, FLOAT_BYTES } from '../kernels/products.js';
import { paddedStrides, plainStrides, shapeKey } from '../kernels/shapes.js';
import type { Arena, Region } from './arena.js';
import type { Convolution, ConvolutionShape, OutputGradient } from './convolution.js';
import { copyToPaddedKernel, normalisationBackwardKernel } from './pixelKernels.js';

const TAPS = 9;

export class DirectConvolution implements Convolution {
  readonly inputGradientPadded = false;
  readonly inputGradient: Region;
  private readonly weights: Region;
  private readonly transposedWeights: Region;
  private readonly weightSums: Region;
  private readonly forwardKernel: Kernel;
  private readonly inputGradientKernel: Kernel;
  private readonly weightGradientKernel: Kernel;
  private readonly paddedGradient: Region;
  private readonly copyGradient: Kernel;
  private readonly normalisationBackward: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly arena: Arena,
    private readonly shape: ConvolutionShape,
  ) {
    const { input, output, stride, imagesPerGroup } = shape;
    const weightCount = TAPS * input.channels * output.channels;
    this.weights = arena.fixed(weightCount);
    this.transposedWeights = arena.fixed(weightCount);
    this.weightSums = arena.scratch(`direct weight sums ${weightCount}`, weightCount);
    const inputFloats = (imagesPerGroup * plainStrides(input).image) / FLOAT_BYTES;
    this.inputGradient = arena.scratch(`gradient ${inputFloats}`, inputFloats);
    const gradientFloats = (imagesPerGroup * paddedStrides(output).image) / FLOAT_BYTES;
    this.paddedGradient = arena.scratch(
      `padded output gradient ${shapeKey(output)}/${imagesPerGroup}`,
      gradientFloats,
    );
    this.copyGradient = copyToPaddedKernel(library, output);
    this.normalisationBackward = normalisationBackwardKernel(library, output, true);
    const name = `${shapeKey(input)} ${shapeKey(output)} /${stride}`;
    this.forwardKernel = library.kernel(`direct ${name}`, 4, emitDirectForward(shape));
    this.inputGradientKernel = library.kernel(`direct dx ${name}`, 4, emitDirectInputGradient(shape));
    this.weightGradientKernel = library.kernel(`direct dw ${name}`, 4, emitDirectWeightGradient(shape));
  }

  prepareWeights(natural: Region, transposed: Region): void {
    const { input, output } = this.shape;
    packColumnBlocks(this.arena, natural, this.weights, TAPS * input.channels, output.channels);
    packColumnBlocks(this.arena, transposed, this.transposedWeights, TAPS * output.channels, input.channels);
  }

  forward(padded: number, outputs: number, imageCount: number): void {
    this.forwardKernel.run(padded, this.weights.byteOffset, outputs, imageCount);
  }

  beginBackward(): void {
    this.arena.zero(this.weightSums, this.weightSums.byteLength / FLOAT_BYTES);
  }

  backward(padded: number, gradient: OutputGradient, imageCount: number, wantInputGradient: boolean): void {
    const gradients = this.paddedGradient.byteOffset;
    this.padGradient(gradient, imageCount);
    this.weightGradientKernel.run(padded, gradients, this.weightSums.byteOffset, imageCount);
    if (!wantInputGradient) return;
    this.inputGradientKernel.run(
      gradients,
      this.transposedWeights.byteOffset,
      this.inputGradient.byteOffset,
      imageCount,
    );
  }

  private padGradient({ gradients, normalised }: OutputGradient, imageCount: number): void {
    const padded = this.paddedGradient.byteOffset;
    if (normalised === undefined) {
      this.copyGradient.run(gradients, 0, 0, padded, imageCount);
      return;
    }
    this.normalisationBackward.run(gradients, normalised.inputs, normalised.coefficients, padded, imageCount);
  }

  finishBackward(natural: Region): void {
    this.arena.view(natural).set(this.arena.view(this.weightSums));
  }
}

/** (rows, columns) -> blocks of 8 columns, each (rows, 8); the last block may be narrower. */
function packColumnBlocks(arena: Arena, from: Region, to: Region, rows: number, columns: number): void {
  const source = arena.view(from);
  const packed = arena.view(to);
  let position = 0;
  for (let first = 0; first < columns; first += BLOCK_COLUMNS) {
    const end = Math.min(first + BLOCK_COLUMNS, columns);
    for (let row = 0; row < rows; row++) {
      for (let column = first; column < end; column++) packed[position++] = source[row * columns + column]!;
    }
  }
}
