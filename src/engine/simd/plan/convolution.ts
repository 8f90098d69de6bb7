/**
 * The two ways to compute a 3x3 convolution and its gradients over a group of images whose inputs lie in padded scratch.
 * Each owns its weights in the form that it multiplies by, once a state, and the sum of its weights' gradient.
 */

import type { Region } from './arena.js';
import type { Arena } from './arena.js';
import type { Kernel, KernelLibrary } from '../kernels/library.js';
import {
  emitDirectForward,
  emitDirectInputGradient,
  emitDirectWeightGradient,
} from '../kernels/directConvolution.js';
import type { DirectShape } from '../kernels/directConvolution.js';
import { BLOCK_COLUMNS, FLOAT_BYTES } from '../kernels/products.js';
import { copyToPaddedKernel, normalisationBackwardKernel } from './pixelKernels.js';
import { paddedStrides, plainStrides, shapeKey } from '../kernels/shapes.js';
import type { MapShape } from '../kernels/shapes.js';
import { emitTileProduct, emitWeightProduct, TILES_PER_BLOCK } from '../kernels/winogradProducts.js';
import {
  emitInputTransform,
  emitInputTransposed,
  emitOutputTransform,
  emitOutputTransposed,
  emitWeightTransform,
  emitWeightTransposed,
  positionStride,
  POSITIONS,
  TILE,
  weightPositionStride,
} from '../kernels/winogradTransforms.js';

const TAPS = 9;

export interface ConvolutionShape extends DirectShape {
  readonly imagesPerGroup: number;
}

/** Addresses of a group's output gradients, plain images: as they are, or as batch normalisation left them. */
export interface OutputGradient {
  readonly gradients: number;
  /** The plain images that batch normalisation read, and its coefficients: its input gradient is yet to be computed. */
  readonly normalised?: { readonly inputs: number; readonly coefficients: number } | undefined;
}

/** Natural weights are (3, 3, inputs, outputs) with padded channels; transposed ones (3, 3, outputs, inputs). */
export interface Convolution {
  /** Where `backward` leaves the gradient of the inputs of a group, and how. */
  readonly inputGradient: Region;
  readonly inputGradientPadded: boolean;
  prepareWeights(natural: Region, transposed: Region): void;
  /** @param padded address of the group's padded inputs @param outputs address of plain outputs, written */
  forward(padded: number, outputs: number, imageCount: number): void;
  beginBackward(): void;
  backward(padded: number, gradient: OutputGradient, imageCount: number, wantInputGradient: boolean): void;
  /** Writes the gradient in natural order. */
  finishBackward(natural: Region): void;
}

export function makeConvolution(library: KernelLibrary, arena: Arena, shape: ConvolutionShape): Convolution {
  const whole = shape.output.height % TILE === 0 && shape.output.width % TILE === 0;
  return shape.stride === 1 && whole
    ? new WinogradConvolution(library, arena, shape)
    : new DirectConvolution(library, arena, shape);
}

class WinogradConvolution implements Convolution {
  readonly inputGradientPadded = true;
  readonly inputGradient: Region;
  private readonly inputDomain: Region;
  private readonly outputDomain: Region;
  private readonly weights: Region;
  private readonly transposedWeights: Region;
  private readonly weightSums: Region;
  private readonly tilesPerImage: number;
  private readonly outputImageBytes: number;
  private readonly inputTransform: Kernel;
  private readonly inputTransposed: Kernel;
  private readonly outputTransform: Kernel;
  private readonly outputTransposed: Kernel;
  private readonly plainGradient: Region;
  private readonly normalisationBackward: Kernel;
  private readonly product: Kernel;
  private readonly transposedProduct: Kernel;
  private readonly weightProduct: Kernel;
  private readonly weightTransform: Kernel;
  private readonly weightTransformOfTransposed: Kernel;
  private readonly weightTransposed: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly arena: Arena,
    { input, output, imagesPerGroup }: ConvolutionShape,
  ) {
    this.outputImageBytes = plainStrides(output).image;
    this.tilesPerImage = (output.height / TILE) * (output.width / TILE);
    const tiles = Math.ceil((imagesPerGroup * this.tilesPerImage) / TILES_PER_BLOCK) * TILES_PER_BLOCK;
    const domainOf = (map: MapShape): { name: string; stride: number; region: Region } => {
      const stride = positionStride(tiles * map.channels);
      const floats = (POSITIONS * stride) / FLOAT_BYTES;
      return { name: `${shapeKey(map)}/${tiles}`, stride, region: arena.scratch(`domain ${floats}`, floats) };
    };
    const from = domainOf(input);
    const to = domainOf(output);
    this.inputDomain = from.region;
    const outputFloats = to.region.byteLength / FLOAT_BYTES;
    this.outputDomain = arena.scratch(`output domain ${outputFloats}`, outputFloats);
    const paddedFloats = imagesPerGroup * (input.height + 2) * (input.width + 2) * input.channels;
    this.inputGradient = arena.scratch(`padded gradient ${shapeKey(input)}/${imagesPerGroup}`, paddedFloats);

    const inputShape = { map: input, positionStride: from.stride };
    const outputShape = { map: output, positionStride: to.stride };
    this.inputTransform = library.kernel(`Bt d B ${from.name}`, 3, emitInputTransform(inputShape));
    this.inputTransposed = library.kernel(`B x Bt ${from.name}`, 3, emitInputTransposed(inputShape));
    this.outputTransform = library.kernel(`At m A ${to.name}`, 3, emitOutputTransform(outputShape));
    this.outputTransposed = library.kernel(`A y At ${to.name}`, 3, emitOutputTransposed(outputShape));
    const plainFloats = (imagesPerGroup * plainStrides(output).image) / FLOAT_BYTES;
    this.plainGradient = arena.scratch(`output gradient ${plainFloats}`, plainFloats);
    this.normalisationBackward = normalisationBackwardKernel(library, output, false);

    const channels = { inputs: input.channels, outputs: output.channels };
    const forward = { ...channels, inputStride: from.stride, outputStride: to.stride };
    const backward = {
      inputs: channels.outputs,
      outputs: channels.inputs,
      inputStride: to.stride,
      outputStride: from.stride,
    };
    const productName = ({ inputs, outputs, inputStride, outputStride }: typeof forward): string =>
      `${inputs}x${outputs}/${inputStride}/${outputStride}`;
    this.product = library.kernel(`V U ${productName(forward)}`, 4, emitTileProduct(forward));
    this.transposedProduct = library.kernel(`V U ${productName(backward)}`, 4, emitTileProduct(backward));
    this.weightProduct = library.kernel(`Vt M ${productName(forward)}`, 4, emitWeightProduct(forward));

    const natural = { rows: input.channels, columns: output.channels };
    const transposed = { rows: output.channels, columns: input.channels };
    const domainFloats = (POSITIONS * weightPositionStride(natural)) / FLOAT_BYTES;
    this.weights = arena.fixed(domainFloats);
    this.transposedWeights = arena.fixed(domainFloats);
    this.weightSums = arena.scratch(`weight sums ${domainFloats}`, domainFloats);
    const weightName = ({ rows, columns }: typeof natural): string => `${rows}x${columns}`;
    this.weightTransform = library.kernel(`G g Gt ${weightName(natural)}`, 2, emitWeightTransform(natural));
    this.weightTransformOfTransposed = library.kernel(
      `G g Gt ${weightName(transposed)}`,
      2,
      emitWeightTransform(transposed),
    );
    this.weightTransposed = library.kernel(`Gt u G ${weightName(natural)}`, 2, emitWeightTransposed(natural));
  }

  prepareWeights(natural: Region, transposed: Region): void {
    this.weightTransform.run(natural.byteOffset, this.weights.byteOffset);
    this.weightTransformOfTransposed.run(transposed.byteOffset, this.transposedWeights.byteOffset);
  }

  forward(padded: number, outputs: number, imageCount: number): void {
    const { inputDomain, outputDomain } = this;
    this.inputTransform.run(padded, inputDomain.byteOffset, imageCount);
    this.product.run(
      inputDomain.byteOffset,
      this.weights.byteOffset,
      outputDomain.byteOffset,
      this.blocksOf(imageCount),
    );
    this.arena.fetch(outputs, imageCount * this.outputImageBytes);
    this.outputTransform.run(outputs, outputDomain.byteOffset, imageCount);
  }

  beginBackward(): void {
    this.arena.zero(this.weightSums, this.weightSums.byteLength / FLOAT_BYTES);
  }

  backward(padded: number, gradient: OutputGradient, imageCount: number, wantInputGradient: boolean): void {
    const { inputDomain, outputDomain } = this;
    this.inputTransform.run(padded, inputDomain.byteOffset, imageCount);
    this.transformGradient(gradient, imageCount);
    this.weightProduct.run(
      inputDomain.byteOffset,
      outputDomain.byteOffset,
      this.weightSums.byteOffset,
      imageCount * this.tilesPerImage,
    );
    if (!wantInputGradient) return;
    this.transposedProduct.run(
      outputDomain.byteOffset,
      this.transposedWeights.byteOffset,
      inputDomain.byteOffset,
      this.blocksOf(imageCount),
    );
    this.inputTransposed.run(this.inputGradient.byteOffset, inputDomain.byteOffset, imageCount);
  }

  finishBackward(natural: Region): void {
    this.weightTransposed.run(this.weightSums.byteOffset, natural.byteOffset);
  }

  /**
   * Batch normalisation's gradient is computed image by image before it is transformed: read in the order of tiles,
   * memory that is not in cache stalls the transform for longer than the extra pass takes.
   */
  private transformGradient({ gradients, normalised }: OutputGradient, imageCount: number): void {
    let from = gradients;
    if (normalised !== undefined) {
      from = this.plainGradient.byteOffset;
      this.normalisationBackward.run(gradients, normalised.inputs, normalised.coefficients, from, imageCount);
    }
    this.outputTransposed.run(from, this.outputDomain.byteOffset, imageCount);
  }

  private blocksOf(imageCount: number): number {
    return Math.ceil((imageCount * this.tilesPerImage) / TILES_PER_BLOCK);
  }
}

class DirectConvolution implements Convolution {
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

/** (rows, columns) -> blocks of 8 columns, each (rows, 8); the last block as wide as what is left. */
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
