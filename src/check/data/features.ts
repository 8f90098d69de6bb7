/** What linear models read of an image. */

import { imageByteCount } from '../../data/index.js';
import type { ImageSet, ImageShape } from '../../data/index.js';

export interface Features {
  readonly length: number;
  /** @param target its first `length` elements are written */
  readonly write: (pixels: Uint8Array, target: Float64Array) => void;
}

/** A function of a sample: its features and then a 1, for the bias. The array is used again. */
export function featureReader(set: ImageSet, { length, write }: Features): (sample: number) => Float64Array {
  const pixels = new Uint8Array(imageByteCount(set.imageShape));
  const features = new Float64Array(length + 1);
  return (sample) => {
    set.read(sample, pixels, 0);
    features.fill(0);
    write(pixels, features);
    features[length] = 1;
    return features;
  };
}

/** Means over the cells of a grid, by channel, from 0 to 1: linear in the pixels. */
export function cellMeans({ height, width, channels }: ImageShape, grid: number): Features {
  const cells = cellsOf({ height, width }, grid);
  const sizes = new Float64Array(grid * grid);
  for (const cell of cells) sizes[cell]!++;
  return {
    length: grid * grid * channels,
    write: (pixels, target) => {
      for (let pixel = 0, at = 0; pixel < cells.length; pixel++) {
        const cell = cells[pixel]!;
        const share = 1 / (255 * sizes[cell]!);
        for (let channel = 0; channel < channels; channel++, at++)
          target[cell * channels + channel]! += share * pixels[at]!;
      }
    },
  };
}

const DIRECTIONS = 8;
const EDGE_GRIDS = [1, 2, 4] as const;

/**
 * How much of an image's edges lies in which direction, in all of it and in the cells of two grids, as shares: shapes that
 * move, or change their colours, keep them. Not linear in the pixels.
 */
export function edges({ height, width, channels }: ImageShape): Features {
  const cells = EDGE_GRIDS.map((grid) => cellsOf({ height, width }, grid));
  const offsets = EDGE_GRIDS.map((_, place) =>
    EDGE_GRIDS.slice(0, place).reduce((sum, grid) => sum + grid * grid * DIRECTIONS, 0),
  );
  const grey = new Float64Array(height * width);
  return {
    length: EDGE_GRIDS.reduce((sum, grid) => sum + grid * grid * DIRECTIONS, 0),
    write: (pixels, target) => {
      toGrey(pixels, grey, channels);
      let total = 0;
      for (let row = 1; row < height - 1; row++) {
        for (let column = 1; column < width - 1; column++) {
          const pixel = row * width + column;
          const across = grey[pixel + 1]! - grey[pixel - 1]!;
          const down = grey[pixel + width]! - grey[pixel - width]!;
          const strength = Math.sqrt(across * across + down * down);
          if (strength === 0) continue;
          total += strength;
          const turn = Math.atan2(down, across) / Math.PI + 1; // from 0 to 2: opposite directions are one
          const direction = Math.min(DIRECTIONS - 1, Math.floor((turn % 1) * DIRECTIONS));
          cells.forEach(
            (cell, place) => (target[offsets[place]! + cell[pixel]! * DIRECTIONS + direction]! += strength),
          );
        }
      }
      if (total > 0) for (let at = 0; at < target.length; at++) target[at]! /= total;
    },
  };
}

/** @param parts one after another */
export function together(parts: readonly Features[]): Features {
  return {
    length: parts.reduce((sum, { length }) => sum + length, 0),
    write: (pixels, target) => {
      let from = 0;
      for (const { length, write } of parts) {
        write(pixels, target.subarray(from, from + length));
        from += length;
      }
    },
  };
}

/** For each pixel its cell. */
function cellsOf({ height, width }: Pick<ImageShape, 'height' | 'width'>, grid: number): Uint16Array {
  return Uint16Array.from({ length: height * width }, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    return Math.floor((row * grid) / height) * grid + Math.floor((column * grid) / width);
  });
}

function toGrey(pixels: Uint8Array, grey: Float64Array, channels: number): void {
  for (let pixel = 0; pixel < grey.length; pixel++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += pixels[pixel * channels + channel]!;
    grey[pixel] = sum / channels;
  }
}

/** The largest grid up to 8 that leaves this many samples for each of its cells' means. */
export function gridFor(
  { height, width, channels }: ImageShape,
  samples: number,
  samplesPerFeature: number,
): number {
  const largest = Math.min(8, height, width);
  for (let grid = largest; grid > 1; grid--) {
    if (grid * grid * channels * samplesPerFeature <= samples) return grid;
  }
  return 1;
}
