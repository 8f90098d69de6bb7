/** Global average pooling. */

import { addVectors, load, multiplyVectors, vector } from '../../../foundation/wasm/expressions.js';
import { forEachChannelBlock } from './channelBlocks.js';
import type { KernelEmitter } from './library.js';
import { divisorOf, VECTOR_BYTES } from './products.js';
import { plainStrides } from './shapes.js';
import type { MapShape } from './shapes.js';

/** Parameters: plain images, their means (channels; written), image count. */
export const emitPool =
  (map: MapShape): KernelEmitter =>
  (f) => {
    const { pixel: pixelBytes, image: imageBytes } = plainStrides(map);
    const pixelCount = map.height * map.width;
    const chains = divisorOf(pixelCount, [4, 2]); // sums that do not wait for each other
    const image = f.variable(f.parameter(0));
    const means = f.variable(f.parameter(1));
    f.repeat(f.parameter(2), () => {
      forEachChannelBlock(f, {
        channels: map.channels,
        vectorsPerBlock: 1,
        pointers: [image, means],
        block: (offset, _, [from, to]) => {
          const sums = Array.from({ length: chains }, () => f.variable(vector(0)));
          const pixel = f.variable(from!);
          f.repeat(pixelCount / chains, () => {
            sums.forEach((sum, chain) =>
              f.set(sum, addVectors(sum, load(pixel, chain * pixelBytes + offset))),
            );
            f.advance(pixel, chains * pixelBytes);
          });
          const [first, ...others] = sums;
          const total = others.reduce((a, b) => f.variable(addVectors(a, b)), first!);
          f.store(to!, multiplyVectors(total, vector(1 / pixelCount)), offset);
        },
      });
      f.advance(image, imageBytes);
      f.advance(means, pixelBytes);
    });
  };

/** Parameters: gradients of the images (written), gradients of the means, image count. */
export const emitPoolBackward =
  (map: MapShape): KernelEmitter =>
  (f) => {
    const { pixel: pixelBytes } = plainStrides(map);
    const pixelCount = map.height * map.width;
    const pixel = f.variable(f.parameter(0));
    const means = f.variable(f.parameter(1));
    f.repeat(f.parameter(2), () => {
      f.repeat(pixelCount, () => {
        for (let offset = 0; offset < pixelBytes; offset += VECTOR_BYTES) {
          f.store(pixel, multiplyVectors(load(means, offset), vector(1 / pixelCount)), offset);
        }
        f.advance(pixel, pixelBytes);
      });
      f.advance(means, pixelBytes);
    });
  };
