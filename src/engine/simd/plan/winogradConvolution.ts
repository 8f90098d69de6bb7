/** Convolution in the transform domain of a Winograd scheme. */

import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { paddedStrides, plainStrides, shapeKey, tilesAlong } from '../kernels/shapes.js';
import type { MapShape } from '../kernels/shapes.js';
import { emitTileProduct, emitWeightProduct, TILES_PER_BLOCK } from '../kernels/winogradProducts.js';
import { positionsOf } from '../kernels/winogradScheme.js';
import type { WinogradScheme } from '../kernels/winogradScheme.js';
import {
  emitInputTransform,
  emitInputTransposed,
  emitOutputTransform,
  emitOutputTransposed,
  emitWeightTransform,
  emitWeightTransposed,
  positionStride,
  tilePitch,
  weightPositionStride,
} from '../kernels/winogradTransforms.js';
import type { Arena, Region } from './arena.js';
import type { Convolution, ConvolutionShape, OutputGradient, WantedGradients } from './convolution.js';
import { normalisationBackwardKernel } from './pixelKernels.js';

/**
 * Weights in the transform domain of wide layers do not stay in the second-level cache, and are read again for each call. So
 * several groups share a call if the weights are larger than this.
 */
const MOST_WEIGHT_BYTES_OF_ONE_GROUP = 1 << 20;
const GROUPS_AT_ONCE = 4;

/**
 * A scheme is made for one zero before the first pixel. Without padding, the convolution with padding is computed, and its
 * outputs at the border, which read those zeros, are left out.
 */
export const outputsCut = ({ zeros }: Pick<ConvolutionShape, 'zeros'>): number => 1 - zeros;

export class WinogradConvolution implements Convolution {
  readonly inputGradientPadded = true;
  readonly imagesAtOnce: number;
  readonly inputGradient: Region;
  private readonly inputDomain: Region;
  private readonly outputDomain: Region;
  private readonly weights: Region;
  private readonly transposedWeights: Region;
  private readonly weightSums: Region;
  private readonly imagesPerGroup: number;
  /** Of one tile at one position of the transform domain. */
  private readonly tileBytes: { readonly inputs: number; readonly outputs: number };
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
  private readonly weightProductOfGroups: Kernel | undefined;
  private readonly weightTransform: Kernel;
  private readonly weightTransformOfTransposed: Kernel;
  private readonly weightTransposed: Kernel;

  constructor(
    library: KernelLibrary,
    private readonly arena: Arena,
    { input, output, imagesPerGroup, zeros }: ConvolutionShape,
    scheme: WinogradScheme,
  ) {
    const positions = positionsOf(scheme);
    const kind = `/${scheme.stride}`;
    this.outputImageBytes = plainStrides(output).image;
    const cut = outputsCut({ zeros });
    const grid = { rows: tilesAlong(output.height + cut), columns: tilesAlong(output.width + cut) };
    this.tilesPerImage = grid.rows * grid.columns;
    const weightBytes = positions * input.channels * output.channels * FLOAT_BYTES;
    const isWide = weightBytes > MOST_WEIGHT_BYTES_OF_ONE_GROUP;
    this.imagesPerGroup = imagesPerGroup;
    this.tileBytes = { inputs: tilePitch(input.channels), outputs: tilePitch(output.channels) };
    this.imagesAtOnce = imagesPerGroup * (isWide ? GROUPS_AT_ONCE : 1);
    const { imagesAtOnce } = this;
    const tiles = Math.ceil((imagesAtOnce * this.tilesPerImage) / TILES_PER_BLOCK) * TILES_PER_BLOCK;
    const domainOf = (map: MapShape): { name: string; stride: number; region: Region } => {
      const stride = positionStride(tiles * tilePitch(map.channels));
      const floats = (positions * stride) / FLOAT_BYTES;
      return {
        name: `${shapeKey(map)} ${kind} ${tiles}${cut > 0 ? ` of ${grid.rows}x${grid.columns} -${cut}` : ''}`,
        stride,
        region: arena.scratch(`domain ${floats}`, floats),
      };
    };
    const from = domainOf(input);
    const to = domainOf(output);
    this.inputDomain = from.region;
    const outputFloats = to.region.byteLength / FLOAT_BYTES;
    this.outputDomain = arena.scratch(`output domain ${outputFloats}`, outputFloats);
    const paddedFloats = (imagesAtOnce * paddedStrides(input).image) / FLOAT_BYTES;
    this.inputGradient = arena.scratch(`padded gradient ${shapeKey(input)}/${imagesAtOnce}`, paddedFloats);

    const inputShape = { scheme, map: input, grid, positionStride: from.stride, cut };
    const outputShape = { scheme, map: output, grid, positionStride: to.stride, cut };
    this.inputTransform = library.kernel(`Bt d B ${from.name}`, 3, emitInputTransform(inputShape));
    this.inputTransposed = library.kernel(`B x Bt ${from.name}`, 3, emitInputTransposed(inputShape));
    this.outputTransform = library.kernel(`At m A ${to.name}`, 3, emitOutputTransform(outputShape));
    this.outputTransposed = library.kernel(`A y At ${to.name}`, 3, emitOutputTransposed(outputShape));
    const plainFloats = (imagesAtOnce * plainStrides(output).image) / FLOAT_BYTES;
    this.plainGradient = arena.scratch(`output gradient ${plainFloats}`, plainFloats);
    this.normalisationBackward = normalisationBackwardKernel(library, output, false);

    const channels = { positions, inputs: input.channels, outputs: output.channels };
    const forward = { ...channels, inputStride: from.stride, outputStride: to.stride };
    const backward = {
      positions,
      inputs: channels.outputs,
      outputs: channels.inputs,
      inputStride: to.stride,
      outputStride: from.stride,
    };
    const productName = ({ inputs, outputs, inputStride, outputStride }: typeof forward): string =>
      `${inputs}x${outputs} ${kind} ${inputStride} ${outputStride}`;
    this.product = library.kernel(`V U ${productName(forward)}`, 4, emitTileProduct(forward));
    this.transposedProduct = library.kernel(`V U ${productName(backward)}`, 4, emitTileProduct(backward));
    this.weightProduct = library.kernel(`Vt M ${productName(forward)}`, 4, emitWeightProduct(forward));
    const tilesPerGroup = imagesPerGroup * this.tilesPerImage;
    const groupsName = `Vt M ${productName(forward)} groups of ${tilesPerGroup}`;
    this.weightProductOfGroups = isWide
      ? library.kernel(groupsName, 4, emitWeightProduct(forward, tilesPerGroup))
      : undefined;

    const natural = { rows: input.channels, columns: output.channels };
    const transposed = { rows: output.channels, columns: input.channels };
    const domainFloats = (positions * weightPositionStride(natural)) / FLOAT_BYTES;
    this.weights = arena.fixed(domainFloats);
    this.transposedWeights = arena.fixed(domainFloats);
    this.weightSums = arena.scratch(`weight sums ${domainFloats}`, domainFloats);
    const weightName = ({ rows, columns }: typeof natural): string => `${rows}x${columns} ${kind}`;
    this.weightTransform = library.kernel(
      `G g Gt ${weightName(natural)}`,
      2,
      emitWeightTransform(scheme, natural),
    );
    this.weightTransformOfTransposed = library.kernel(
      `G g Gt ${weightName(transposed)}`,
      2,
      emitWeightTransform(scheme, transposed),
    );
    this.weightTransposed = library.kernel(
      `Gt u G ${weightName(natural)}`,
      2,
      emitWeightTransposed(scheme, natural),
    );
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

  backward(padded: number, gradient: OutputGradient, imageCount: number, wanted: WantedGradients): void {
    const { inputDomain, outputDomain } = this;
    this.transformGradient(gradient, imageCount);
    if (wanted.weights) {
      this.inputTransform.run(padded, inputDomain.byteOffset, imageCount);
      this.addWeightProducts(imageCount);
    }
    if (!wanted.inputs) return;
    this.transposedProduct.run(
      outputDomain.byteOffset,
      this.transposedWeights.byteOffset,
      inputDomain.byteOffset,
      this.blocksOf(imageCount),
    );
    this.inputTransposed.run(this.inputGradient.byteOffset, inputDomain.byteOffset, imageCount);
  }

  /** Group by group, in one call where groups are whole. */
  private addWeightProducts(imageCount: number): void {
    const { inputDomain, outputDomain, weightSums, weightProductOfGroups } = this;
    const groups = weightProductOfGroups ? Math.floor(imageCount / this.imagesPerGroup) : 0;
    const [inputs, outputs] = [inputDomain.byteOffset, outputDomain.byteOffset];
    if (groups > 0) weightProductOfGroups!.run(inputs, outputs, weightSums.byteOffset, groups);
    const rest = imageCount - groups * this.imagesPerGroup;
    if (rest === 0) return;
    const tilesBefore = groups * this.imagesPerGroup * this.tilesPerImage;
    this.weightProduct.run(
      inputs + tilesBefore * this.tileBytes.inputs,
      outputs + tilesBefore * this.tileBytes.outputs,
      weightSums.byteOffset,
      rest * this.tilesPerImage,
    );
  }

  finishBackward(natural: Region): void {
    this.weightTransposed.run(this.weightSums.byteOffset, natural.byteOffset);
  }

  /**
   * Batch normalisation's gradient is computed image by image before it is transformed. The transform reads in the order of
   * tiles; if the data are not in cache, it stalls for longer than the extra pass takes.
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
