/** The gradient of a bias, for a group of images. */

import { addVectors, constant, load, multiply, vector } from '../../../foundation/wasm/expressions.js';
import type { KernelEmitter } from './library.js';
import { FLOAT_BYTES, VECTOR_BYTES } from './products.js';
import type { MapShape } from './shapes.js';

const VECTORS_PER_BLOCK = 8;

/** Per channel, the sum over the pixels of plain images. Parameters: images, sums (channels; written), image count. */
export const emitChannelSums =
  ({ height, width, channels }: MapShape): KernelEmitter =>
  (f) => {
    const pixelBytes = channels * FLOAT_BYTES;
    const pixelCount = f.variable(multiply(f.parameter(2), constant(height * width)));
    for (let first = 0; first < pixelBytes; first += VECTORS_PER_BLOCK * VECTOR_BYTES) {
      const count = Math.min(VECTORS_PER_BLOCK, (pixelBytes - first) / VECTOR_BYTES);
      const sums = Array.from({ length: count }, () => f.variable(vector(0)));
      const pixel = f.variable(f.parameter(0));
      f.repeat(pixelCount, () => {
        sums.forEach((sum, index) => {
          f.set(sum, addVectors(sum, load(pixel, first + index * VECTOR_BYTES)));
        });
        f.advance(pixel, pixelBytes);
      });
      sums.forEach((sum, index) => f.store(f.parameter(1), sum, first + index * VECTOR_BYTES));
    }
  };
