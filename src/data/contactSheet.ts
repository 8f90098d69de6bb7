/** Images side by side in one picture: each as it is, and below it as training sees it. */

import type { AugmentationOptions } from './augmentation.js';
import { decodeImages } from './decodeImages.js';
import { gatherSamples, imageByteCount } from './imageSet.js';
import type { ImageSet } from './imageSet.js';
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
  const { imageShape } = set;
  const { height, width, channels } = imageShape;
  const scale = Math.max(1, Math.round(SHOWN_SIDE / Math.max(height, width)));
  const [cellHeight, cellWidth] = [height * scale, width * scale];
  const rowsInBand = augmentation === undefined ? 1 : 1 + VARIANTS;
  const bands = Math.ceil(indices.length / SHEET_COLUMNS);
  const columns = Math.min(SHEET_COLUMNS, indices.length);
  const bandHeight = rowsInBand * (cellHeight + GAP) - GAP;
  const sheet = {
    height: bands * bandHeight + (bands - 1) * BAND_GAP + 2 * GAP,
    width: columns * (cellWidth + GAP) + GAP,
    channels,
  };
  const pixels = new Uint8Array(imageByteCount(sheet)).fill(PAPER);
  const variants = augmentation && augmentedImages(set, indices, augmentation);
  for (const [place, index] of indices.entries()) {
    const top = GAP + Math.floor(place / SHEET_COLUMNS) * (bandHeight + BAND_GAP);
    const left = GAP + (place % SHEET_COLUMNS) * (cellWidth + GAP);
    const images = [gatherSamples(set, [index]).pixels, ...(variants?.(place) ?? [])];
    for (const [row, image] of images.entries()) {
      drawImage(image, imageShape, scale, {
        pixels,
        width: sheet.width,
        top: top + row * (cellHeight + GAP),
        left,
      });
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
export interface Place {
  readonly pixels: Uint8Array;
  /** Of the sheet. */
  readonly width: number;
  readonly top: number;
  readonly left: number;
}

/** Draws an image into a larger one, each of its pixels as a square of `scale` pixels. */
export function drawImage(
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
