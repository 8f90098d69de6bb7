/** Chooses how each of a plan's larger kernels is divided into workgroups. */

import { usualConvolutionTile } from '../kernels/convolutionTile.js';
import type { ConvolutionSize, ConvolutionTile } from '../kernels/convolutionTile.js';
import { usualWeightGradientTile } from '../kernels/weightGradientTile.js';
import type { WeightGradientSize, WeightGradientTile } from '../kernels/weightGradientTile.js';

export interface Tiles {
  readonly convolution: (size: ConvolutionSize) => ConvolutionTile;
  readonly weightGradient: (size: WeightGradientSize) => WeightGradientTile;
}

/** Used if nothing was measured: it is within the limits of every device. */
export const USUAL_TILES: Tiles = {
  convolution: (size) => usualConvolutionTile(size),
  weightGradient: usualWeightGradientTile,
};
