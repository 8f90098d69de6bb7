/** An image set whose every pixel and label follows from its index. */

import type { ImageSet } from '../../src/data/index.js';

const IMAGE_BYTES = 32 * 32 * 3;

export function tinySet(sampleCount: number): ImageSet {
  const labelOf = (index: number): number => (index * 7) % 10;
  return {
    name: 'synthetic',
    imageShape: { height: 32, width: 32, channels: 3 },
    sampleCount,
    classNames: Array.from({ length: 10 }, (_, label) => `class ${label}`),
    labelOf,
    read: (index, target, targetOffset) => {
      for (let at = 0; at < IMAGE_BYTES; at++) target[targetOffset + at] = (index * 31 + at) % 256;
      return labelOf(index);
    },
  };
}
