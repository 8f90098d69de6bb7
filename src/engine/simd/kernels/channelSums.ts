/** The gradient of a bias, for a group of images. */

import { addVectors, constant, load, multiply, vector } from '../../../foundation/wasm/expressions.js';
import { forEachChannelBlock } from './channelBlocks.js';
import type { KernelEmitter } from './library.js';
import { FLOAT_BYTES, VECTOR_BYTES } from './products.js';
import type { MapShape } from './shapes.js';

/** Per channel, the sum over the pixels of plain images. Parameters: images, sums (channels; written), image count. */
export const emitChannelSums =
  ({ height, width, channels }: MapShape): KernelEmitter =>
  (f) => {
    const pixelBytes = channels * FLOAT_BYTES;
    const pixelCount = f.variable(multiply(f.parameter(2), constant(height * width)));
    forEachChannelBlock(f, {
      channels,
      vectorsPerBlock: 8,
      pointers: [f.parameter(0), f.parameter(1)],
      block: (first, count, [images, results]) => {
        const sums = Array.from({ length: count }, () => f.variable(vector(0)));
        const pixel = f.variable(images!);
        f.repeat(pixelCount, () => {
          sums.forEach((sum, index) => {
            f.set(sum, addVectors(sum, load(pixel, first + index * VECTOR_BYTES)));
          });
          f.advance(pixel, pixelBytes);
        });
        sums.forEach((sum, index) => f.store(results!, sum, first + index * VECTOR_BYTES));
      },
    });
  };
