/** Chooses how a convolution is computed. */

import type { KernelLibrary } from '../kernels/library.js';
import { TILE, tilesAlong } from '../kernels/shapes.js';
import { positionsOf, STRIDE_1, TAPS } from '../kernels/winogradScheme.js';
import type { WinogradScheme } from '../kernels/winogradScheme.js';
import { STRIDE_2 } from '../kernels/winogradStride2.js';
import type { Arena } from './arena.js';
import type { Convolution, ConvolutionShape } from './convolution.js';
import { DirectConvolution } from './directConvolution.js';
import { outputsCut, WinogradConvolution } from './winogradConvolution.js';

/** What a product in the transform domain costs, transforms included, beside a direct one. */
const COST_OF_TRANSFORMS = 1.5;

/** Uses Winograd's transforms if they save enough, and direct convolution otherwise. */
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
  // Without padding, stride 2 begins at an even pixel, and its scheme at an odd one.
  if (kernelSize !== TAPS || (zeros !== 1 && stride === 2)) return false;
  const cut = outputsCut({ zeros });
  const tiles = { rows: tilesAlong(output.height + cut), columns: tilesAlong(output.width + cut) };
  const overlap = scheme.points - TILE * stride;
  const reads = (count: number): number => count * TILE * stride + overlap; // padded inputs along a side
  const lie = (length: number): number => tilesAlong(length) * TILE + 2;
  if (reads(tiles.rows) > lie(input.height) || reads(tiles.columns) > lie(input.width)) return false;
  const isWhole = cut === 0 && output.height % TILE === 0 && output.width % TILE === 0;
  const products = tiles.rows * tiles.columns * positionsOf(scheme);
  const directProducts = TAPS * TAPS * output.height * output.width;
  return isWhole || products * COST_OF_TRANSFORMS <= directProducts;
}
