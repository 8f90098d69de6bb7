/** From raw pixels to an engine's images: augmentation, then standardisation. Runs in the worker. */

import { invariant } from '../foundation/errors.js';
import { deriveKey, Purpose, RandomStream, seedKey } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';
import { IMAGE_BYTE_COUNT, IMAGE_SIDE } from './imageSet.js';
import { normalisationTable } from './normalisation.js';
import type { Normalisation } from './normalisation.js';

const ROW_LENGTH = IMAGE_SIDE * 3;
const GREEN = 256; // the offset of this channel's values in the table
const BLUE = 512;

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

/** One sample's augmentation: a 32x32 window on the padded image, then perhaps mirrored. */
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
  readonly pixels: Uint8Array; // (B, 32, 32, 3)
  readonly sampleCount: number; // B
  readonly normalisation: Normalisation;
  /** Undefined: no augmentation. */
  readonly augmentation: AugmentationOptions | undefined;
}

/**
 * Augments and standardises a micro-batch. The padding is zero *after* standardisation, so it has the mean colour, as
 * in arXiv:1512.03385. Black padding, as in torchvision, differs from all other pixels, and costs a short training one to
 * three points of accuracy.
 * @returns (B, 32, 32, 3), a new array
 */
export function prepareImages(options: PrepareOptions): Float32Array {
  const { pixels, sampleCount, normalisation, augmentation } = options;
  invariant(
    pixels.length === sampleCount * IMAGE_BYTE_COUNT,
    `${pixels.length} bytes of pixels for ${sampleCount} images`,
  );
  const table = tableOf(normalisation);
  const images = new Float32Array(pixels.length);
  for (let position = 0; position < sampleCount; position++) {
    const offset = position * IMAGE_BYTE_COUNT;
    const drawn = augmentation === undefined ? UNCHANGED : drawAugmentation(augmentation, position);
    prepareImage(pixels, images, offset, drawn, table);
  }
  return images;
}

/** Source (bytes) and target (floats) have the same offset. The target must be all zeros. */
function prepareImage(
  pixels: Uint8Array,
  images: Float32Array,
  offset: number,
  { top, left, mirrored }: Augmentation,
  table: Float32Array,
): void {
  const step = mirrored ? -3 : 3;
  for (let row = 0; row < IMAGE_SIDE; row++) {
    const sourceRow = row + top;
    const rowIsPadding = sourceRow < 0 || sourceRow >= IMAGE_SIDE;
    const source = offset + sourceRow * ROW_LENGTH;
    let target = offset + row * ROW_LENGTH + (mirrored ? ROW_LENGTH - 3 : 0);
    for (let column = 0; column < IMAGE_SIDE; column++, target += step) {
      const sourceColumn = column + left;
      if (rowIsPadding || sourceColumn < 0 || sourceColumn >= IMAGE_SIDE) continue; // already zero
      const from = source + sourceColumn * 3;
      images[target] = table[pixels[from]!]!;
      images[target + 1] = table[GREEN + pixels[from + 1]!]!;
      images[target + 2] = table[BLUE + pixels[from + 2]!]!;
    }
  }
}

/** A run has one normalisation, so the last table is almost always the right one. */
let lastTable: { readonly normalisation: Normalisation; readonly table: Float32Array } | undefined;

/** (3, 256): each channel's byte values, standardised. One table per normalisation; read-only. */
export function tableOf(normalisation: Normalisation): Float32Array {
  if (lastTable === undefined || !equalNormalisations(lastTable.normalisation, normalisation)) {
    lastTable = { normalisation, table: normalisationTable(normalisation) };
  }
  return lastTable.table;
}

function equalNormalisations(a: Normalisation, b: Normalisation): boolean {
  return [0, 1, 2].every(
    (channel) =>
      a.mean[channel] === b.mean[channel] && a.standardDeviation[channel] === b.standardDeviation[channel],
  );
}
