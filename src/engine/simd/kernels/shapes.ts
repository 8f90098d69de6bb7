/**
 * How activations are stored in the arena. Channels are padded to a multiple of 4 with zeros, so that every pixel is whole
 * vectors. `plain` images are (H, W, C). `padded` ones have a border of zeros for the convolutions: one pixel all around,
 * and after it as many as complete the last 4x4 tile of a row or column.
 */

import { FLOAT_BYTES, VECTOR } from './products.js';

export interface MapShape {
  readonly height: number;
  readonly width: number;
  /** A multiple of 4. */
  readonly channels: number;
}

export const paddedChannels = (channels: number): number => Math.ceil(channels / VECTOR) * VECTOR;

/** Strides of one image stream, in bytes. `origin` is the place of pixel (0, 0). */
export interface ImageStrides {
  readonly pixel: number;
  readonly row: number;
  readonly image: number;
  readonly origin: number;
}

export function plainStrides({ height, width, channels }: MapShape): ImageStrides {
  const pixel = channels * FLOAT_BYTES;
  return { pixel, row: width * pixel, image: height * width * pixel, origin: 0 };
}

/** Outputs a side of a tile of Winograd's transforms. */
export const TILE = 4;

export const tilesAlong = (length: number): number => Math.ceil(length / TILE);

export function paddedStrides({ height, width, channels }: MapShape): ImageStrides {
  const pixel = channels * FLOAT_BYTES;
  const row = (tilesAlong(width) * TILE + 2) * pixel;
  return { pixel, row, image: (tilesAlong(height) * TILE + 2) * row, origin: row + pixel };
}

/** Images with two pixels of zeros all around. */
function doublyPaddedStrides({ height, width, channels }: MapShape): ImageStrides {
  const pixel = channels * FLOAT_BYTES;
  const row = (width + 4) * pixel;
  return { pixel, row, image: (height + 4) * row, origin: 2 * (row + pixel) };
}

/** How images lie: plain, padded, or with a border of two pixels. */
export type Padded = boolean | 'doubly';

export function stridesOf(map: MapShape, padded: Padded): ImageStrides {
  if (padded === 'doubly') return doublyPaddedStrides(map);
  return padded ? paddedStrides(map) : plainStrides(map);
}

export const shapeKey = ({ height, width, channels }: MapShape): string => `${height}x${width}x${channels}`;
