/** What the parts of a convolution by matrix products have in common: their options, names and order of products. */

import type { ConvolutionSize } from './convolutionTile.js';
import type { Finish } from './finish.js';
import type { Range, Reading } from './kernelSource.js';
import { isDilated, PRODUCT_CHANNELS } from './matrixConvolutionTile.js';
import type { MatrixConvolutionTile } from './matrixConvolutionTile.js';
import type { MatrixOperations } from './matrixOperations.js';

export interface MatrixConvolutionOptions extends ConvolutionSize {
  readonly read: Reading;
  /** (9, Cin, Cout) of the layer, packed as pairs of half-precision numbers. */
  readonly packedWeights: Range;
  readonly result: Range;
  readonly finish: Finish;
  readonly tile: MatrixConvolutionTile;
  readonly operations: MatrixOperations;
}

export const QUADS = PRODUCT_CHANNELS / 4;
export const sumName = (channels: number, pixels: number): string => `sum${channels}x${pixels}`;

export interface ProductGrid {
  /** Products in a row of a tile, and rows of them. */
  readonly across: number;
  readonly down: number;
  /** Neighbouring products of a subgroup in one row. */
  readonly perGroup: number;
}

export function gridOf({ tile, ...size }: MatrixConvolutionOptions): ProductGrid {
  const { rows, columns, productPixels, pixelProducts } = tile;
  if (isDilated(size)) return { across: columns / 2 / productPixels, down: rows / 2, perGroup: 1 };
  return { across: columns / productPixels, down: rows, perGroup: pixelProducts };
}
