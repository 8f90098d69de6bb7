/**
 * The common loop of the memory-bound kernels: one pass over the pixels of a group of images. The group is in cache, because
 * the neighbouring convolution has just written it or is about to read it.
 *
 * Batch normalisation's per-channel numbers are in one coefficient block, `NormalisationRow` rows of `channels` floats.
 */

import { add, constant, load } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import { forEachChannelBlock } from './channelBlocks.js';
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
  /** Parameters that are addresses of numbers for each channel; blocks get them in this order. */
  readonly channelParameters?: readonly number[];
  /** Vectors of channels that are handled together: as many as the registers left over by the coefficients allow. */
  readonly vectorsPerBlock: number;
  /** Called once per row and channel block. Returns what to do with each pixel's vectors, and what after the row. */
  readonly block: (
    firstByte: number,
    vectorCount: number,
    channelPointers: readonly Local<'i32'>[],
  ) => {
    readonly vector: (index: number, cursor: Cursor<Name>) => void;
    readonly end?: () => void;
  };
}

export function forEachPixel<Name extends string>(f: FunctionBuilder, pass: PixelPass<Name>): void {
  const streams = streamsOf(pass);
  const images = streams.map(([, { parameter, strides }]) =>
    f.variable(add(f.parameter(parameter), constant(strides.origin))),
  );
  const channelPointers = (pass.channelParameters ?? []).map((index) => f.parameter(index));
  f.repeat(f.parameter(pass.imageCountParameter), () => {
    const rows = images.map((image) => f.variable(image));
    f.repeat(pass.map.height, () => {
      forEachChannelBlock(f, {
        channels: pass.map.channels,
        vectorsPerBlock: pass.vectorsPerBlock,
        pointers: [...rows, ...channelPointers],
        block: (firstByte, vectorCount, pointers) =>
          visitRow(f, pass, firstByte, vectorCount, {
            rows: pointers.slice(0, rows.length),
            channels: pointers.slice(rows.length),
          }),
      });
      rows.forEach((row, stream) => f.advance(row, streams[stream]![1].strides.row));
    });
    images.forEach((image, stream) => f.advance(image, streams[stream]![1].strides.image));
  });
}

const streamsOf = <Name extends string>({ streams }: PixelPass<Name>): [Name, Stream][] =>
  Object.entries(streams) as [Name, Stream][];

/** One channel block of a row of pixels. */
function visitRow<Name extends string>(
  f: FunctionBuilder,
  pass: PixelPass<Name>,
  firstByte: number,
  vectorCount: number,
  pointers: { readonly rows: readonly Local<'i32'>[]; readonly channels: readonly Local<'i32'>[] },
): void {
  const streams = streamsOf(pass);
  const block = pass.block(firstByte, vectorCount, pointers.channels);
  const pixels = pointers.rows.map((row) => f.variable(row));
  const pixelsPerTurn = divisorOf(pass.map.width, [4, 2]);
  f.repeat(pass.map.width / pixelsPerTurn, () => {
    for (let pixel = 0; pixel < pixelsPerTurn; pixel++) {
      for (let index = 0; index < vectorCount; index++) {
        const cursor = streams.map(([name, { strides }], stream) => [
          name,
          {
            address: pixels[stream]!,
            byteOffset: pixel * strides.pixel + firstByte + index * VECTOR_BYTES,
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

/**
 * Loads coefficient rows for one channel block: name -> one local per vector.
 * @param channels address of the coefficient block, or of the channel from which the block is `firstByte` away
 */
export function coefficients<Name extends RowName>(
  f: FunctionBuilder,
  channels: Local<'i32'>,
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
          channels,
          NormalisationRow[name] * map.channels * FLOAT_BYTES + firstByte + index * VECTOR_BYTES,
        ),
      ),
    ),
  ]);
  return Object.fromEntries(rows) as Record<Name, Local<'v128'>[]>;
}
