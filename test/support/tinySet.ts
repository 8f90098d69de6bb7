/** An image set whose pixels and labels are functions of the index. */

import { imageByteCount } from '../../src/data/index.js';
import type { ImageFormat, ImageSet } from '../../src/data/index.js';

const USUAL_FORMAT: ImageFormat = {
  imageShape: { height: 32, width: 32, channels: 3 },
  classNames: Array.from({ length: 10 }, (_, label) => `class ${label}`),
};

export function tinySet(
  sampleCount: number,
  { imageShape, classNames }: ImageFormat = USUAL_FORMAT,
): ImageSet {
  const imageBytes = imageByteCount(imageShape);
  const labelOf = (index: number): number => (index * 7) % classNames.length;
  return {
    name: 'synthetic',
    imageShape,
    sampleCount,
    classNames,
    labelOf,
    read: (index, target, targetOffset) => {
      for (let at = 0; at < imageBytes; at++) target[targetOffset + at] = (index * 31 + at) % 256;
      return labelOf(index);
    },
  };
}
