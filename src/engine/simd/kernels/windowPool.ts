/** Maximum and mean over windows, and where their gradients go. */

import {
  add,
  addVectors,
  andNot,
  bitwiseAnd,
  bitwiseOr,
  constant,
  equal,
  load,
  maximum,
  multiplyVectors,
  vector,
} from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import { VECTOR, VECTOR_BYTES } from './products.js';
import { plainStrides, stridesOf } from './shapes.js';
import type { ImageStrides, MapShape } from './shapes.js';

export interface WindowPoolShape {
  readonly kind: 'max-pool' | 'average-pool';
  readonly input: MapShape;
  readonly output: MapShape;
  readonly size: number;
  readonly stride: number;
  readonly inputPadded: boolean;
}

/** Images that are walked window by window: at each the address of its first pixel, or of its only one. */
interface Stream {
  readonly parameter: number;
  readonly strides: ImageStrides;
  readonly pixelsPerWindow: number;
}

/** Visits each window four channels at a time, with one address a stream. */
function forEachWindow(
  f: FunctionBuilder,
  output: MapShape,
  imageCountParameter: number,
  streams: readonly Stream[],
  body: (addresses: readonly Local<'i32'>[]) => void,
): void {
  const images = streams.map(({ parameter, strides }) =>
    f.variable(add(f.parameter(parameter), constant(strides.origin))),
  );
  f.repeat(f.parameter(imageCountParameter), () => {
    const rows = images.map((image) => f.variable(image));
    f.repeat(output.height, () => {
      const pixels = rows.map((row) => f.variable(row));
      f.repeat(output.width, () => {
        f.repeat(output.channels / VECTOR, () => {
          body(pixels);
          for (const pixel of pixels) f.advance(pixel, VECTOR_BYTES);
        });
        pixels.forEach((pixel, index) => {
          const { strides, pixelsPerWindow } = streams[index]!;
          f.advance(pixel, (pixelsPerWindow - 1) * strides.pixel);
        });
      });
      rows.forEach((row, index) => {
        const { strides, pixelsPerWindow } = streams[index]!;
        f.advance(row, pixelsPerWindow * strides.row);
      });
    });
    images.forEach((image, index) => f.advance(image, streams[index]!.strides.image));
  });
}

/** Offsets of a window's pixels, row by row. */
function windowOffsets(size: number, { row, pixel }: ImageStrides): number[] {
  return Array.from(
    { length: size * size },
    (_, index) => Math.floor(index / size) * row + (index % size) * pixel,
  );
}

/** Parameters: images, results (written), image count. A NaN in a window makes its maximum one. */
export const emitWindowPool =
  ({ kind, input, output, size, stride, inputPadded }: WindowPoolShape): KernelEmitter =>
  (f) => {
    const strides = stridesOf(input, inputPadded);
    const [first, ...others] = windowOffsets(size, strides);
    forEachWindow(
      f,
      output,
      2,
      [
        { parameter: 0, strides, pixelsPerWindow: stride },
        { parameter: 1, strides: plainStrides(output), pixelsPerWindow: 1 },
      ],
      ([from, to]) => {
        const combine = kind === 'max-pool' ? maximum : addVectors;
        const total = f.variable(load(from!, first));
        for (const offset of others) f.set(total, combine(total, load(from!, offset)));
        const mean = (): V128 => multiplyVectors(total, vector(1 / (size * size)));
        f.store(to!, kind === 'max-pool' ? total : mean());
      },
    );
  };

/** Whether each pixel is in exactly one window. Its gradient is then written, not added to. */
export const isPartition = ({ input, output, size, stride }: WindowPoolShape): boolean =>
  size === stride && input.height === output.height * size && input.width === output.width * size;

/**
 * Parameters: images, results, gradients of the results, gradients of the images (plain; written if windows partition
 * the map, else added to), image count. Images and results are read for the maximum only.
 */
export const emitWindowPoolBackward =
  (shape: WindowPoolShape): KernelEmitter =>
  (f) => {
    const { kind, input, output, size, stride, inputPadded } = shape;
    const isMaximum = kind === 'max-pool';
    const images = stridesOf(input, inputPadded);
    const gradients = plainStrides(input);
    const results = plainStrides(output);
    const read = [
      { parameter: 0, strides: images, pixelsPerWindow: stride },
      { parameter: 1, strides: results, pixelsPerWindow: 1 },
    ];
    const streams = [
      { parameter: 2, strides: results, pixelsPerWindow: 1 },
      { parameter: 3, strides: gradients, pixelsPerWindow: stride },
      ...(isMaximum ? read : []),
    ];
    const [imageOffsets, offsets] = [images, gradients].map((strides) => windowOffsets(size, strides));
    forEachWindow(f, output, 4, streams, ([gradient, to, image, result]) => {
      const deliver = (index: number, value: V128): void => {
        const offset = offsets![index]!;
        f.store(to!, isPartition(shape) ? value : addVectors(load(to!, offset), value), offset);
      };
      if (!isMaximum) {
        const share = f.variable(multiplyVectors(load(gradient!), vector(1 / (size * size))));
        offsets!.forEach((_, index) => deliver(index, share));
        return;
      }
      const value = f.variable(load(gradient!));
      const largest = f.variable(load(result!));
      const found = f.variable(vector(0)); // all ones where an earlier pixel has the maximum
      imageOffsets!.forEach((offset, index) => {
        const matches = f.variable(equal(load(image!, offset), largest));
        deliver(index, bitwiseAnd(value, andNot(matches, found)));
        f.set(found, bitwiseOr(found, matches));
      });
    });
  };
