/** The sums that batch normalisation needs from a group of images. */

import {
  addVectors,
  constant,
  divideVectors,
  load,
  multiply,
  splatInteger,
  subtractVectors,
  vector,
} from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import { forEachChannelBlock } from './channelBlocks.js';
import type { KernelEmitter } from './library.js';
import { divisorOf, FLOAT_BYTES, VECTOR_BYTES } from './products.js';
import type { MapShape } from './shapes.js';

/**
 * Per channel, the sum over the pixels of a group of images and the sum of squared deviations from the group's mean, in
 * two passes. Parameters: plain images, results (2, channels), image count.
 */
export const emitMoments =
  (map: MapShape): KernelEmitter =>
  (f, arithmetic) => {
    const pixelBytes = map.channels * FLOAT_BYTES;
    const pixelsPerTurn = divisorOf(map.height * map.width, [2]);
    const turns = f.variable(multiply(f.parameter(2), constant((map.height * map.width) / pixelsPerTurn)));
    const count = f.variable(splatInteger(multiply(f.parameter(2), constant(map.height * map.width))));
    forEachChannelBlock(f, {
      channels: map.channels,
      vectorsPerBlock: 4,
      pointers: [f.parameter(0), f.parameter(1)],
      block: (first, vectorCount, [images, results]) => {
        const indexes = Array.from({ length: vectorCount }, (_, index) => index);
        const accumulate = (term: (value: V128, index: number, sum: V128) => V128): V128[] => {
          const partial = Array.from({ length: pixelsPerTurn }, () =>
            indexes.map(() => f.variable(vector(0))),
          );
          const pixel = f.variable(images!);
          f.repeat(turns, () => {
            partial.forEach((sums, turn) =>
              sums.forEach((sum, index) => {
                const value = load(pixel, turn * pixelBytes + first + index * VECTOR_BYTES);
                f.set(sum, term(value, index, sum));
              }),
            );
            f.advance(pixel, pixelsPerTurn * pixelBytes);
          });
          return indexes.map((index) => partial.map((sums): V128 => sums[index]!).reduce(addVectors));
        };
        const totals = accumulate((value, _, sum) => addVectors(sum, value)).map((sum) => f.variable(sum));
        const means = totals.map((total) => f.variable(divideVectors(total, count)));
        const squares = accumulate((value, index, sum) => {
          const deviation = f.variable(subtractVectors(value, means[index]!));
          return arithmetic.multiplyAdd(deviation, deviation, sum);
        });
        totals.forEach((total, index) => f.store(results!, total, first + index * VECTOR_BYTES));
        squares.forEach((square, index) =>
          f.store(results!, square, pixelBytes + first + index * VECTOR_BYTES),
        );
      },
    });
  };
