/**
 * The common loop of the memory-bound kernels: one pass over the pixels of a group of images. The group is in cache, because
 * the neighbouring convolution has just written it or is about to read it.
 *
 * Batch normalisation's per-channel numbers are in one coefficient block, `NormalisationRow` rows of `channels` floats.
 */

import { add, constant, load } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import { divisorOf, FLOAT_BYTES, VECTOR_BYTES } from './products.js';
import type { ImageStrides, MapShape } from './shapes.js';

/** Rows of a coefficient block: y = x scale + shift forward; dx = g gain + ((x - mean) slope + bias) backward. */
export const NormalisationRow = { scale: 0, shift: 1, mean: 2, gain: 3, slope: 4, bias: 5 } as const;
export const NORMALISATION_ROWS = 6;

type RowName = keyof typeof NormalisationRow;

interface Stream {
  readonly parameter: number;
  readonly strides: ImageStrides;
}

/** Address of one vector of a pixel in each stream. */
type Cursor<Name extends string> = Readonly<
  Record<Name, { readonly address: Local<'i32'>; readonly byteOffset: number }>
>;

interface PixelPass<Name extends string> {
  readonly map: MapShape;
  readonly streams: Readonly<Partial<Record<Name, Stream>>>;
  readonly imageCountParameter: number;
  /** Vectors of channels that are handled together: as many as the registers left over by the coefficients allow. */
  readonly vectorsPerBlock: number;
  /** Called once per row and channel block. Returns what to do with each pixel's vectors, and what after the row. */
  readonly block: (
    firstByte: number,
    vectorCount: number,
  ) => {
    readonly vector: (index: number, cursor: Cursor<Name>) => void;
    readonly end?: () => void;
  };
}

export function forEachPixel<Name extends string>(f: FunctionBuilder, pass: PixelPass<Name>): void {
  const streams = Object.entries(pass.streams) as [Name, Stream][];
  const images = streams.map(([, { parameter, strides }]) =>
    f.variable(add(f.parameter(parameter), constant(strides.origin))),
  );
  const pixelsPerTurn = divisorOf(pass.map.width, [4, 2]);
  const channelBytes = pass.map.channels * FLOAT_BYTES;
  f.repeat(f.parameter(pass.imageCountParameter), () => {
    const rows = images.map((image) => f.variable(image));
    f.repeat(pass.map.height, () => {
      for (let first = 0; first < channelBytes; first += pass.vectorsPerBlock * VECTOR_BYTES) {
        const vectorCount = Math.min(pass.vectorsPerBlock, (channelBytes - first) / VECTOR_BYTES);
        const block = pass.block(first, vectorCount);
        const pixels = rows.map((row) => f.variable(row));
        f.repeat(pass.map.width / pixelsPerTurn, () => {
          for (let pixel = 0; pixel < pixelsPerTurn; pixel++) {
            for (let index = 0; index < vectorCount; index++) {
              const cursor = streams.map(([name, { strides }], stream) => [
                name,
                {
                  address: pixels[stream]!,
                  byteOffset: pixel * strides.pixel + first + index * VECTOR_BYTES,
                },
              ]);
              block.vector(index, Object.fromEntries(cursor) as Cursor<Name>);
            }
          }
          pixels.forEach((address, stream) =>
            f.advance(address, pixelsPerTurn * streams[stream]![1].strides.pixel),
          );
        });
        block.end?.();
      }
      rows.forEach((row, stream) => f.advance(row, streams[stream]![1].strides.row));
    });
    images.forEach((image, stream) => f.advance(image, streams[stream]![1].strides.image));
  });
}

/** Loads coefficient rows for one channel block: name -> one local per vector. */
export function coefficients<Name extends RowName>(
  f: FunctionBuilder,
  parameter: number,
  map: MapShape,
  names: readonly Name[],
  firstByte: number,
  vectorCount: number,
): Record<Name, Local<'v128'>[]> {
  const rows = names.map((name) => [
    name,
    Array.from({ length: vectorCount }, (_, index) =>
      f.variable(
        load(
          f.parameter(parameter),
          NormalisationRow[name] * map.channels * FLOAT_BYTES + firstByte + index * VECTOR_BYTES,
        ),
      ),
    ),
  ]);
  return Object.fromEntries(rows) as Record<Name, Local<'v128'>[]>;
}
