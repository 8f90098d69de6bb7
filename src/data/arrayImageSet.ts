/** Images that a program holds in memory. */

import { LockstepError } from '../foundation/errors.js';
import { checkSampleIndex, imageByteCount } from './imageSet.js';
import type { ImageFormat, ImageSet, ImageShape } from './imageSet.js';

export interface LabelledImages {
  /** (N, H, W, C), uint8; colours as red, green, blue. Not copied: do not change them while they are in use. */
  readonly pixels: Uint8Array;
  /** (N): the class of each image, from 0. */
  readonly labels: Uint8Array;
}

const FEWEST_CLASSES = 2;

/** @throws LockstepError E_OPTION if pixels, labels and format do not fit each other */
export function arrayImageSet(
  name: string,
  { pixels, labels }: LabelledImages,
  { imageShape, classNames }: ImageFormat,
): ImageSet {
  const sampleCount = labels.length;
  const refuse = (problem: string): never => {
    throw new LockstepError('E_OPTION', `the data ${name}: ${problem}`);
  };
  if (!isShape(imageShape)) {
    refuse('imageShape must have a height, a width and channels, each an integer of at least 1');
  }
  const byteCount = imageByteCount(imageShape);
  if (sampleCount === 0) refuse('there are no images; give at least one');
  if (classNames.length < FEWEST_CLASSES) {
    refuse(
      `there must be at least ${FEWEST_CLASSES} classes, and there is ${classNames.length === 0 ? 'none' : '1'}; give classNames`,
    );
  }
  if (pixels.length !== sampleCount * byteCount) {
    refuse(
      `${sampleCount} labels need ${sampleCount * byteCount} bytes of pixels, ${byteCount} an image, and there are ${pixels.length}; give as many, or another imageShape`,
    );
  }
  const wrong = labels.findIndex((label) => label >= classNames.length);
  if (wrong >= 0) {
    refuse(
      `image ${wrong} has label ${labels[wrong]}, which must be from 0 to ${classNames.length - 1}; correct it, or give more classNames`,
    );
  }
  return {
    name,
    sampleCount,
    imageShape,
    classNames,
    labelOf: (index) => {
      checkSampleIndex(index, sampleCount);
      return labels[index]!;
    },
    read: (index, target, targetOffset) => {
      checkSampleIndex(index, sampleCount);
      const start = index * byteCount;
      target.set(pixels.subarray(start, start + byteCount), targetOffset);
      return labels[index]!;
    },
  };
}

/** A program without types may give anything. */
function isShape(shape: ImageShape | null): boolean {
  const { height, width, channels } = shape ?? {};
  return [height, width, channels].every((size) => Number.isInteger(size) && Number(size) >= 1);
}
