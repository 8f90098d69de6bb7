/** Chooses how a convolution is computed. */

import type { KernelLibrary } from '../kernels/library.js';
import { STRIDE_1, TILE } from '../kernels/winogradScheme.js';
import { STRIDE_2 } from '../kernels/winogradStride2.js';
import type { Arena } from './arena.js';
import type { Convolution, ConvolutionShape } from './convolution.js';
import { DirectConvolution } from './directConvolution.js';
import { WinogradConvolution } from './winogradConvolution.js';

/** Uses Winograd's transforms if the map consists of whole tiles, and direct convolution otherwise. */
export function makeConvolution(library: KernelLibrary, arena: Arena, shape: ConvolutionShape): Convolution {
  const { input, output, stride } = shape;
  const isWhole = (inputSide: number, outputSide: number): boolean =>
    outputSide % TILE === 0 && inputSide === stride * outputSide;
  return isWhole(input.height, output.height) && isWhole(input.width, output.width)
    ? new WinogradConvolution(library, arena, shape, stride === 1 ? STRIDE_1 : STRIDE_2)
    : new DirectConvolution(library, arena, shape);
}
