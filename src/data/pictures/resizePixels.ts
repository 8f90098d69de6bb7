/**
 * Resizes pixels: the largest centred part of the wanted proportions, then a triangle filter ("bilinear") that is widened
 * where the image shrinks, in fixed-point arithmetic. These are the steps and the bits of Pillow's `resize` with BILINEAR,
 * which torchvision uses; they do not depend on the processor, as those of a vectorised library may.
 */

import type { ImageShape } from '../imageSet.js';

/** Of the weights, as in Pillow's Resample.c. */
const PRECISION_BITS = 32 - 8 - 2;
const ONE = 2 ** PRECISION_BITS;
const HALF = ONE / 2;

interface Taps {
  /** For each output place: the first input place it reads. */
  readonly first: Int32Array;
  /** For each output place: how many places it reads. */
  readonly count: Int32Array;
  /** (outputs, most): integer weights that add up to about `ONE`. */
  readonly weights: Int32Array;
  readonly most: number;
}

/** @returns (height, width, channels), a new array unless the size is right already */
export function resizePixels(
  pixels: Uint8Array,
  from: ImageShape,
  to: Pick<ImageShape, 'height' | 'width'>,
): Uint8Array {
  if (from.height === to.height && from.width === to.width) return pixels;
  const part = centredPart(from, to);
  const cut = cutPart(pixels, from, part);
  const { channels } = from;
  const narrow = resizeRows(cut, { ...part, channels }, to.width);
  return resizeColumns(narrow, { height: part.height, width: to.width, channels }, to.height);
}

interface Part {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** What is left over is cut off at both ends; where it is odd, one pixel more at the end. */
function centredPart(from: Pick<ImageShape, 'height' | 'width'>, to: typeof from): Part {
  const isWide = from.width * to.height > from.height * to.width;
  const height = isWide ? from.height : Math.max(1, Math.round((from.width * to.height) / to.width));
  const width = isWide ? Math.max(1, Math.round((from.height * to.width) / to.height)) : from.width;
  const fitting = { height: Math.min(height, from.height), width: Math.min(width, from.width) };
  return {
    ...fitting,
    top: Math.floor((from.height - fitting.height) / 2),
    left: Math.floor((from.width - fitting.width) / 2),
  };
}

function cutPart(pixels: Uint8Array, { width, channels }: ImageShape, part: Part): Uint8Array {
  if (part.width === width) {
    const start = part.top * width * channels;
    return pixels.subarray(start, start + part.height * width * channels);
  }
  const rowLength = part.width * channels;
  const cut = new Uint8Array(part.height * rowLength);
  for (let row = 0; row < part.height; row++) {
    const start = ((part.top + row) * width + part.left) * channels;
    cut.set(pixels.subarray(start, start + rowLength), row * rowLength);
  }
  return cut;
}

function resizeRows(
  pixels: Uint8Array,
  { height, width, channels }: ImageShape,
  newWidth: number,
): Uint8Array {
  if (width === newWidth) return pixels;
  const { first, count, weights, most } = tapsOf(width, newWidth);
  const resized = new Uint8Array(height * newWidth * channels);
  for (let row = 0, to = 0; row < height; row++) {
    const rowStart = row * width * channels;
    for (let column = 0; column < newWidth; column++) {
      const start = rowStart + first[column]! * channels;
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = HALF;
        for (let tap = 0, at = start + channel; tap < count[column]!; tap++, at += channels) {
          sum += pixels[at]! * weights[column * most + tap]!;
        }
        resized[to] = byteOf(sum);
      }
    }
  }
  return resized;
}

function resizeColumns(
  pixels: Uint8Array,
  { height, width, channels }: ImageShape,
  newHeight: number,
): Uint8Array {
  if (height === newHeight) return pixels;
  const { first, count, weights, most } = tapsOf(height, newHeight);
  const rowLength = width * channels;
  const resized = new Uint8Array(newHeight * rowLength);
  for (let row = 0, to = 0; row < newHeight; row++) {
    for (let element = 0; element < rowLength; element++, to++) {
      let sum = HALF;
      for (let tap = 0, at = first[row]! * rowLength + element; tap < count[row]!; tap++, at += rowLength) {
        sum += pixels[at]! * weights[row * most + tap]!;
      }
      resized[to] = byteOf(sum);
    }
  }
  return resized;
}

function byteOf(sum: number): number {
  return Math.min(255, Math.max(0, sum >> PRECISION_BITS));
}

function tapsOf(length: number, newLength: number): Taps {
  const scale = length / newLength;
  const reach = Math.max(1, scale); // half the width of the triangle
  const most = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(newLength);
  const count = new Int32Array(newLength);
  const weights = new Int32Array(newLength * most);
  for (let place = 0; place < newLength; place++) {
    const centre = (place + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(length, Math.trunc(centre + reach + 0.5));
    const shares = Array.from({ length: end - begin }, (_, tap) =>
      Math.max(0, 1 - Math.abs((tap + begin - centre + 0.5) * (1 / reach))),
    );
    const total = shares.reduce((sum, share) => sum + share, 0);
    first[place] = begin;
    count[place] = end - begin;
    shares.forEach((share, tap) => {
      weights[place * most + tap] = Math.trunc(0.5 + (share / total) * ONE);
    });
  }
  return { first, count, weights, most };
}
