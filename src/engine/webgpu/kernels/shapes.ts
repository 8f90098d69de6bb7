/** How activations are stored in device memory: (B, H, W, Q) vectors of four channels, channels padded with zeros. */

import type { ActivationShape } from '../../../model/index.js';

export const quadsOf = ({ channels }: ActivationShape): number => Math.ceil(channels / 4);

/** Lanes of the last quad that are no channels. */
export const paddingLanes = (shape: ActivationShape): number => quadsOf(shape) * 4 - shape.channels;

/** Float32 elements of one image. */
export const imageLength = (shape: ActivationShape): number =>
  shape.height * shape.width * quadsOf(shape) * 4;

export const shapeText = ({ height, width, channels }: ActivationShape): string =>
  `${height}x${width}x${channels}`;

/** WGSL of a position, moved into the image if it is outside: two arguments. Positions below zero wrap around, to the end. */
export const nearestInside = (row: string, column: string, { height, width }: ActivationShape): string =>
  `min(${row}, ${height - 1}u), min(${column}, ${width - 1}u)`;

/** How a kernel that sums by channel divides a micro-batch; each tile writes one partial sum. */
export interface Tiling {
  readonly tileCount: number;
  /** WGSL: pixels of a tile, given the WGSL of its index. */
  readonly pixelsOf: (tile: string) => string;
  /** Identifies the tile choice that it depends on, if there is one. */
  readonly tuningKey?: string;
}

/** Partial sums of a tiling: for each tile and quad of channels, two vectors. */
export const partialLength = ({ tileCount }: Tiling, shape: ActivationShape): number =>
  tileCount * quadsOf(shape) * 8;
