/** Images that a program holds in memory. */

import { LockstepError } from '../foundation/errors.js';
import { checkSampleIndex, CLASS_COUNT, IMAGE_BYTE_COUNT } from './imageSet.js';
import type { ImageSet } from './imageSet.js';

export interface LabelledImages {
  /** (N, 32, 32, 3), uint8: height, width, then red, green, blue. Not copied: do not change them while they are in use. */
  readonly pixels: Uint8Array;
  /** (N): the class of each image, from 0. */
  readonly labels: Uint8Array;
}

/** @throws LockstepError E_OPTION if pixels and labels do not fit each other */
export function arrayImageSet(
  name: string,
  { pixels, labels }: LabelledImages,
  classNames: readonly string[] = Array.from({ length: CLASS_COUNT }, (_, label) => String(label)),
): ImageSet {
  const sampleCount = labels.length;
  const refuse = (problem: string): never => {
    throw new LockstepError('E_OPTION', `the data ${name}: ${problem}`);
  };
  if (sampleCount === 0) refuse('there are no images; give at least one');
  if (pixels.length !== sampleCount * IMAGE_BYTE_COUNT) {
    refuse(
      `${sampleCount} labels need ${sampleCount * IMAGE_BYTE_COUNT} bytes of pixels, ${IMAGE_BYTE_COUNT} an image, and there are ${pixels.length}`,
    );
  }
  if (classNames.length !== CLASS_COUNT) {
    refuse(`there must be ${CLASS_COUNT} class names, and there are ${classNames.length}`);
  }
  const wrong = labels.findIndex((label) => label >= CLASS_COUNT);
  if (wrong >= 0)
    refuse(`image ${wrong} has label ${labels[wrong]}, which must be from 0 to ${CLASS_COUNT - 1}`);
  return {
    name,
    sampleCount,
    classNames,
    labelOf: (index) => {
      checkSampleIndex(index, sampleCount);
      return labels[index]!;
    },
    read: (index, target, targetOffset) => {
      checkSampleIndex(index, sampleCount);
      const start = index * IMAGE_BYTE_COUNT;
      target.set(pixels.subarray(start, start + IMAGE_BYTE_COUNT), targetOffset);
      return labels[index]!;
    },
  };
}
