/** Images side by side in one picture: each as it is, and below it as training sees it. */

import type { AugmentationOptions } from './augmentation.js';
import { decodeImages } from './decodeImages.js';
import { gatherSamples, imageByteCount } from './imageSet.js';
import type { ImageSet, ImageShape } from './imageSet.js';
import { measureNormalisation } from './normalisation.js';
import { prepareImages } from './prepare.js';

export interface ContactSheet {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

export interface ContactSheetOptions {
  readonly indices: readonly number[];
  /** Undefined: the images as they are, and nothing below. */
  readonly augmentation: AugmentationOptions | undefined;
}

export const SHEET_COLUMNS = 10;
/** Of each image, below it. */
const VARIANTS = 3;
/** Small images are magnified up to about this size. */
const SHOWN_SIDE = 64;
const GAP = 4;
/** Between an image and the next below its variants. */
const BAND_GAP = 16;
const PAPER = 255;

export function contactSheet(set: ImageSet, { indices, augmentation }: ContactSheetOptions): ContactSheet {
  const variants = augmentation && augmentedImages(set, indices, augmentation);
  const columns = indices.map((index, place) => [
    gatherSamples(set, [index]).pixels,
    ...(variants?.(place) ?? []),
  ]);
  return drawSheet(columns, set.imageShape);
}

/**
 * @param stacks of each place of the sheet the images that stand in it, from top to bottom
 * @param columns places side by side
 */
export function drawSheet(
  stacks: readonly (readonly Uint8Array[])[],
  imageShape: ImageShape,
  columns = SHEET_COLUMNS,
): ContactSheet {
  const { height, width, channels } = imageShape;
  const scale = Math.max(1, Math.round(SHOWN_SIDE / Math.max(height, width)));
  const [cellHeight, cellWidth] = [height * scale, width * scale];
  const tallest = Math.max(...stacks.map(({ length }) => length));
  const bandHeight = tallest * (cellHeight + GAP) - GAP;
  const bandGap = tallest > 1 ? BAND_GAP : GAP;
  const bands = Math.ceil(stacks.length / columns);
  const sheet = {
    height: bands * bandHeight + (bands - 1) * bandGap + 2 * GAP,
    width: Math.min(columns, stacks.length) * (cellWidth + GAP) + GAP,
    channels,
  };
  const pixels = new Uint8Array(imageByteCount(sheet)).fill(PAPER);
  for (const [place, images] of stacks.entries()) {
    const top = GAP + Math.floor(place / columns) * (bandHeight + bandGap);
    const left = GAP + (place % columns) * (cellWidth + GAP);
    for (const [row, image] of images.entries()) {
      const to = { pixels, width: sheet.width, top: top + row * (cellHeight + GAP), left };
      drawImage(image, imageShape, scale, to);
    }
  }
  return { ...sheet, pixels };
}

/** By the worker's own preparation, with the standardisation undone. */
function augmentedImages(
  set: ImageSet,
  indices: readonly number[],
  augmentation: AugmentationOptions,
): (place: number) => Uint8Array[] {
  const { imageShape } = set;
  const byteCount = imageByteCount(imageShape);
  const normalisation = measureNormalisation(set, Uint32Array.from(indices));
  const repeated = indices.flatMap((index) => new Array<number>(VARIANTS).fill(index));
  const { pixels } = gatherSamples(set, repeated);
  const images = prepareImages({
    ...{ pixels, imageShape, normalisation, augmentation },
    sampleCount: repeated.length,
  });
  const bytes = decodeImages(images, normalisation);
  return (place) =>
    Array.from({ length: VARIANTS }, (_, variant) => {
      const start = (place * VARIANTS + variant) * byteCount;
      return bytes.subarray(start, start + byteCount);
    });
}

/** Where to draw. */
interface Place {
  readonly pixels: Uint8Array;
  /** Of the sheet. */
  readonly width: number;
  readonly top: number;
  readonly left: number;
}

/** Draws an image into a larger one, each of its pixels as a square of `scale` pixels. */
function drawImage(
  image: Uint8Array,
  { height, width, channels }: ImageSet['imageShape'],
  scale: number,
  to: Place,
): void {
  for (let row = 0; row < height * scale; row++) {
    const from = Math.floor(row / scale) * width;
    const start = ((to.top + row) * to.width + to.left) * channels;
    for (let column = 0; column < width * scale; column++) {
      const source = (from + Math.floor(column / scale)) * channels;
      for (let channel = 0; channel < channels; channel++) {
        to.pixels[start + column * channels + channel] = image[source + channel]!;
      }
    }
  }
}
