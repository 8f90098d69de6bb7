/** Random crops and flips: what each sample of a micro-batch gets is a pure function of the seed and its place. */

import { deriveKey, Purpose, RandomStream, seedKey } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';
import { drawJitter } from './colourJitter.js';
import type { Jitter } from './colourJitter.js';
import type { ImageShape } from './imageSet.js';

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

/**
 * Which of these samples an epoch mirrors if flips alternate: in the first epoch each sample is mirrored by chance, and in
 * each later epoch as it was not in the one before, so that two epochs in a row show both sides (arXiv:2404.00498, section 3.6).
 * @param samples indices into the training set, (B)
 * @param epoch counted from 0
 * @returns (B), 1 for a sample that is mirrored
 */
export function alternatingFlips(seed: number, epoch: number, samples: Uint32Array): Uint8Array {
  const key = deriveKey(seedKey(seed), Purpose.flip);
  return Uint8Array.from(samples, (sample) => {
    const first = new RandomStream(deriveKey(key, sample)).nextBelow(2);
    return (first + epoch) % 2;
  });
}

/** How the samples of a micro-batch are augmented. */
export interface AugmentationOptions extends AugmentationSettings {
  readonly key: RandomKey;
  /** (B), 1 for a sample that is mirrored; left out: drawn for each sample. */
  readonly mirrored?: Uint8Array | undefined;
}

/** What a border around an image holds: zeros after standardisation (the mean colour), or the image's reflection. */
export const BORDERS = ['zero', 'reflect'] as const;
export type Border = (typeof BORDERS)[number];

/** What stays the same during a run. */
export interface AugmentationSettings {
  /** Pixels of padding on each side before the crop; 0: no crop, the image is only mirrored or not. */
  readonly cropPadding: number;
  /** Default: zeros. */
  readonly border?: Border;
  /** Side of the square in each image that is set to zero after standardisation; default 0: none. */
  readonly cutout?: number;
  /** How far brightness, contrast and saturation are changed, from 0 (default: not at all) to 1; see colourJitter.ts. */
  readonly colourJitter?: number;
  /** The shape of the distribution of shares in which images are mixed; default 0: none is; see mixup.ts. */
  readonly mixup?: number;
}

/** Whether an engine that augments images itself (`drawWindows`) can do all of it. */
export function isCropAndFlip({
  border = 'zero',
  cutout = 0,
  colourJitter = 0,
  mixup = 0,
}: AugmentationSettings): boolean {
  return border === 'zero' && cutout === 0 && colourJitter === 0 && mixup === 0;
}

/** One sample's augmentation: a window of the image's size on the padded image, then perhaps mirrored. */
export interface Augmentation {
  /** Top of the window, from -cropPadding to cropPadding; 0 does not move it. */
  readonly top: number;
  /** Left of the window, likewise. */
  readonly left: number;
  readonly mirrored: boolean;
  /**
   * The middle of the square that is set to zero (arXiv:1708.04552): anywhere in the image, so that a part of the square
   * may lie outside. Undefined: no square.
   */
  readonly hole: { readonly row: number; readonly column: number } | undefined;
  /** Undefined: the colours stay. */
  readonly jitter?: Jitter | undefined;
}

export const UNCHANGED: Augmentation = { top: 0, left: 0, mirrored: false, hole: undefined };

/**
 * A sample's augmentation as a pure function of the options and its position: crops and flips as in arXiv:1512.03385,
 * section 4.2.
 */
export function drawAugmentation(
  { key, cropPadding, mirrored, cutout = 0, colourJitter = 0 }: AugmentationOptions,
  position: number,
  { height, width }: Pick<ImageShape, 'height' | 'width'>,
): Augmentation {
  const stream = new RandomStream(deriveKey(key, position));
  const top = stream.nextBelow(2 * cropPadding + 1) - cropPadding;
  const left = stream.nextBelow(2 * cropPadding + 1) - cropPadding;
  const drawn = stream.nextBelow(2);
  const hole = cutout === 0 ? undefined : { row: stream.nextBelow(height), column: stream.nextBelow(width) };
  const jitter = colourJitter === 0 ? undefined : drawJitter(stream, colourJitter);
  return { top, left, mirrored: (mirrored?.[position] ?? drawn) === 1, hole, jitter };
}

/** Elements of a sample in `drawWindows`: top, left, whether mirrored, and one unused. */
export const WINDOW_LENGTH = 4;

/** Where no square is cut out, the size of the images is not looked at. */
const ANY_SIZE = { height: 1, width: 1 };

/**
 * The augmentation of every sample of a micro-batch, for engines that augment images themselves.
 * @param options that `isCropAndFlip` allows
 * @returns (B, 4), see `Augmentation`; zeros leave an image as it is
 */
export function drawWindows(options: AugmentationOptions | undefined, sampleCount: number): Int8Array {
  const windows = new Int8Array(WINDOW_LENGTH * sampleCount);
  if (options === undefined) return windows;
  for (let position = 0; position < sampleCount; position++) {
    const { top, left, mirrored } = drawAugmentation(options, position, ANY_SIZE);
    windows.set([top, left, mirrored ? 1 : 0], WINDOW_LENGTH * position);
  }
  return windows;
}
