/**
 * A convolution and its gradients over a group of images whose inputs lie in padded scratch. It owns its weights in
 * the form that it multiplies by, once a state, and the sum of its weights' gradient.
 */

import type { DirectShape } from '../kernels/directConvolution.js';
import type { KernelLibrary } from '../kernels/library.js';
import { TILE, tilesAlong } from '../kernels/shapes.js';
import { positionsOf, STRIDE_1, TAPS } from '../kernels/winogradScheme.js';
import type { WinogradScheme } from '../kernels/winogradScheme.js';
import { STRIDE_2 } from '../kernels/winogradStride2.js';
import type { Arena, Region } from './arena.js';
import { DirectConvolution } from './directConvolution.js';
import { WinogradConvolution } from './winogradConvolution.js';

export interface ConvolutionShape extends DirectShape {
  readonly imagesPerGroup: number;
}

/** Addresses of a group's output gradients, plain images: as they are, or as batch normalisation left them. */
export interface OutputGradient {
  readonly gradients: number;
  /** The plain images that batch normalisation read, and its coefficients: its input gradient is yet to be computed. */
  readonly normalised?: { readonly inputs: number; readonly coefficients: number } | undefined;
}

export interface WantedGradients {
  readonly weights: boolean;
  readonly inputs: boolean;
}

/** Natural weights are (K, K, inputs, outputs) with padded channels; transposed ones (K, K, outputs, inputs). */
export interface Convolution {
  /** Where `backward` leaves the gradient of the inputs of a group, and how. */
  readonly inputGradient: Region;
  readonly inputGradientPadded: boolean;
  prepareWeights(natural: Region, transposed: Region): void;
  /** @param padded address of the group's padded inputs @param outputs address of plain outputs, written */
  forward(padded: number, outputs: number, imageCount: number): void;
  beginBackward(): void;
  backward(padded: number, gradient: OutputGradient, imageCount: number, wanted: WantedGradients): void;
  /** Writes the gradient in natural order. */
  finishBackward(natural: Region): void;
}

/** A direct product costs as much as this many in the transform domain: there, transforms come on top. */
const COST_OF_TRANSFORMS = 1.5;

/** By Winograd's transforms where they save enough, else directly. */
export function makeConvolution(library: KernelLibrary, arena: Arena, shape: ConvolutionShape): Convolution {
  const scheme = shape.stride === 1 ? STRIDE_1 : STRIDE_2;
  return suits(shape, scheme)
    ? new WinogradConvolution(library, arena, shape, scheme)
    : new DirectConvolution(library, arena, shape);
}

function suits(
  { kernelSize, zeros, input, output, stride }: ConvolutionShape,
  scheme: WinogradScheme,
): boolean {
  if (kernelSize !== TAPS || zeros !== 1) return false;
  const tiles = { rows: tilesAlong(output.height), columns: tilesAlong(output.width) };
  const overlap = scheme.points - TILE * stride;
  const reads = (count: number): number => count * TILE * stride + overlap; // padded inputs along a side
  const lie = (length: number): number => tilesAlong(length) * TILE + 2;
  if (reads(tiles.rows) > lie(input.height) || reads(tiles.columns) > lie(input.width)) return false;
  const isWhole = output.height % TILE === 0 && output.width % TILE === 0;
  const products = tiles.rows * tiles.columns * positionsOf(scheme);
  const directProducts = TAPS * TAPS * output.height * output.width;
  return isWhole || products * COST_OF_TRANSFORMS <= directProducts;
}
