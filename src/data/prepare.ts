/** From raw pixels to an engine's images: augmentation, then standardisation. Runs in the worker. */

import { invariant } from '../foundation/errors.js';
import { deriveKey, Purpose, RandomStream, seedKey } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';
import { imageByteCount } from './imageSet.js';
import type { ImageShape } from './imageSet.js';
import { normalisationTable } from './normalisation.js';
import type { Normalisation } from './normalisation.js';

const BYTE_VALUES = 256;

/** The random stream that augments one micro-batch. `stepInEpoch` counts from 0, as in plan.ts. */
export function augmentationKey(
  seed: number,
  epoch: number,
  stepInEpoch: number,
  microBatchIndex: number,
): RandomKey {
  return deriveKey(seedKey(seed), Purpose.augmentation, epoch, stepInEpoch, microBatchIndex);
}

/** The random stream of one micro-batch's dropout masks. */
export function dropoutKey(
  seed: number,
  epoch: number,
  stepInEpoch: number,
  microBatchIndex: number,
): RandomKey {
  return deriveKey(seedKey(seed), Purpose.dropout, epoch, stepInEpoch, microBatchIndex);
}

/** How the samples of a micro-batch are augmented. */
export interface AugmentationOptions {
  readonly key: RandomKey;
  /** Pixels of padding on each side before the crop; 0: no crop, the image is only mirrored or not. */
  readonly cropPadding: number;
}

/** One sample's augmentation: a window of the image's size on the padded image, then perhaps mirrored. */
export interface Augmentation {
  /** Top of the window, from -cropPadding to cropPadding; 0 does not move it. */
  readonly top: number;
  /** Left of the window, likewise. */
  readonly left: number;
  readonly mirrored: boolean;
}

const UNCHANGED: Augmentation = { top: 0, left: 0, mirrored: false };

/** The augmentation of arXiv:1512.03385, section 4.2, as a pure function of the options and the sample's position. */
export function drawAugmentation({ key, cropPadding }: AugmentationOptions, position: number): Augmentation {
  const stream = new RandomStream(deriveKey(key, position));
  const top = stream.nextBelow(2 * cropPadding + 1) - cropPadding;
  const left = stream.nextBelow(2 * cropPadding + 1) - cropPadding;
  return { top, left, mirrored: stream.nextBelow(2) === 1 };
}

/** Elements of a sample in `drawWindows`: top, left, whether mirrored, and one unused. */
export const WINDOW_LENGTH = 4;

/**
 * The augmentation of every sample of a micro-batch, for engines that augment images themselves.
 * @returns (B, 4), see `Augmentation`; zeros leave an image as it is
 */
export function drawWindows(options: AugmentationOptions | undefined, sampleCount: number): Int8Array {
  const windows = new Int8Array(WINDOW_LENGTH * sampleCount);
  if (options === undefined) return windows;
  for (let position = 0; position < sampleCount; position++) {
    const { top, left, mirrored } = drawAugmentation(options, position);
    windows.set([top, left, mirrored ? 1 : 0], WINDOW_LENGTH * position);
  }
  return windows;
}

export interface PrepareOptions {
  readonly pixels: Uint8Array; // (B, H, W, C)
  readonly imageShape: ImageShape;
  readonly sampleCount: number; // B
  readonly normalisation: Normalisation;
  /** Undefined: no augmentation. */
  readonly augmentation: AugmentationOptions | undefined;
}

/**
 * Augments and standardises a micro-batch. The padding is zero *after* standardisation, so it has the mean colour, as
 * in arXiv:1512.03385. Black padding, as in torchvision, differs from all other pixels, and costs a short training one to
 * three points of accuracy.
 * @returns (B, H, W, C), a new array
 */
export function prepareImages(options: PrepareOptions): Float32Array {
  const { pixels, imageShape, sampleCount, normalisation, augmentation } = options;
  const byteCount = imageByteCount(imageShape);
  invariant(
    pixels.length === sampleCount * byteCount,
    `${pixels.length} bytes of pixels for ${sampleCount} images`,
  );
  const table = tableOf(normalisation);
  const images = new Float32Array(pixels.length);
  for (let position = 0; position < sampleCount; position++) {
    const offset = position * byteCount;
    const drawn = augmentation === undefined ? UNCHANGED : drawAugmentation(augmentation, position);
    prepareImage({ pixels, images, offset, imageShape, table }, drawn);
  }
  return images;
}

/** Source (bytes) and target (floats) have the same offset. The target must be all zeros. */
interface Preparation {
  readonly pixels: Uint8Array;
  readonly images: Float32Array;
  readonly offset: number;
  readonly imageShape: ImageShape;
  readonly table: Float32Array;
}

function prepareImage(
  { pixels, images, offset, imageShape, table }: Preparation,
  { top, left, mirrored }: Augmentation,
): void {
  const { height, width, channels } = imageShape;
  const rowLength = width * channels;
  const step = mirrored ? -channels : channels;
  for (let row = 0; row < height; row++) {
    const sourceRow = row + top;
    if (sourceRow < 0 || sourceRow >= height) continue; // zero already
    const source = offset + sourceRow * rowLength;
    let target = offset + row * rowLength + (mirrored ? rowLength - channels : 0);
    for (let column = 0; column < width; column++, target += step) {
      const sourceColumn = column + left;
      if (sourceColumn < 0 || sourceColumn >= width) continue; // zero already
      const from = source + sourceColumn * channels;
      for (let channel = 0; channel < channels; channel++) {
        images[target + channel] = table[channel * BYTE_VALUES + pixels[from + channel]!]!;
      }
    }
  }
}

/** A run has one normalisation, so the last table is almost always the right one. */
let lastTable: { readonly normalisation: Normalisation; readonly table: Float32Array } | undefined;

/** (C, 256): each channel's byte values, standardised. One table per normalisation; read-only. */
export function tableOf(normalisation: Normalisation): Float32Array {
  if (lastTable === undefined || !equalNormalisations(lastTable.normalisation, normalisation)) {
    lastTable = { normalisation, table: normalisationTable(normalisation) };
  }
  return lastTable.table;
}

function equalNormalisations(a: Normalisation, b: Normalisation): boolean {
  return equalNumbers(a.mean, b.mean) && equalNumbers(a.standardDeviation, b.standardDeviation);
}

function equalNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
