/**
 * How activations are stored in the arena. Channels are padded to a multiple of 4 with zeros, so that every pixel is whole
 * vectors. `plain` images are (H, W, C); `padded` ones (H + 2, W + 2, C) with a border of zeros, which is what the 3x3
 * kernels read.
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

export function paddedStrides({ height, width, channels }: MapShape): ImageStrides {
  const pixel = channels * FLOAT_BYTES;
  const row = (width + 2) * pixel;
  return { pixel, row, image: (height + 2) * row, origin: row + pixel };
}

export const stridesOf = (map: MapShape, padded: boolean): ImageStrides =>
  padded ? paddedStrides(map) : plainStrides(map);

export const shapeKey = ({ height, width, channels }: MapShape): string => `${height}x${width}x${channels}`;
