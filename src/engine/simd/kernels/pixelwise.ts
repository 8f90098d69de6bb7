/**
 * The memory-bound kernels: one pass over the pixels of a group of images, which lies in cache because the convolution
 * beside it has just written it or is about to read it.
 *
 * Batch normalisation's per-channel numbers lie in one coefficient block, `NormalisationRow` rows of `channels` floats.
 */

import {
  add,
  addVectors,
  bitwiseAnd,
  constant,
  divideVectors,
  greaterThan,
  load,
  multiply,
  pseudoMaximum,
  splatInteger,
  subtractVectors,
  vector,
} from '../wasm/expressions.js';
import type { V128 } from '../wasm/expressions.js';
import type { FunctionBuilder, Local } from '../wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import { divisorOf, FLOAT_BYTES, VECTOR_BYTES } from './products.js';
import { plainStrides, stridesOf } from './shapes.js';
import type { ImageStrides, MapShape } from './shapes.js';

/** Rows of a coefficient block: y = x scale + shift forward; dx = g gain + ((x - mean) slope + bias) backward. */
export const NormalisationRow = { scale: 0, shift: 1, mean: 2, gain: 3, slope: 4, bias: 5 } as const;
export const NORMALISATION_ROWS = 6;

type RowName = keyof typeof NormalisationRow;

interface Stream {
  readonly parameter: number;
  readonly strides: ImageStrides;
}

/** Where one vector of a pixel lies in each stream. */
type Cursor<Name extends string> = Readonly<
  Record<Name, { readonly address: Local<'i32'>; readonly byteOffset: number }>
>;

interface PixelPass<Name extends string> {
  readonly map: MapShape;
  readonly streams: Readonly<Partial<Record<Name, Stream>>>;
  readonly imageCountParameter: number;
  /** Channels that are handled together, in vectors: as many as their coefficients leave registers for. */
  readonly vectorsPerBlock: number;
  /** Called once a row and channel block; returns what to do with each pixel's vectors, and what after the row. */
  readonly block: (
    firstByte: number,
    vectorCount: number,
  ) => {
    readonly vector: (index: number, cursor: Cursor<Name>) => void;
    readonly end?: () => void;
  };
}

function forEachPixel<Name extends string>(f: FunctionBuilder, pass: PixelPass<Name>): void {
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

/** Loads coefficient rows for one channel block: name -> one local a vector. */
function coefficients<Name extends RowName>(
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

/** What a forward pass does to a pixel; also spells out the kernel's name. */
export interface ForwardOptions {
  readonly map: MapShape;
  readonly normalise: boolean;
  readonly addend: boolean;
  readonly relu: boolean;
  readonly sourcePadded: boolean;
  readonly addendPadded: boolean;
  readonly resultPadded: boolean;
}

/**
 * result = relu(source scale + shift + addend), each part if asked for.
 * Parameters: source, coefficients, addend, results, image count.
 */
export const emitForward =
  (options: ForwardOptions): KernelEmitter =>
  (f, arithmetic) => {
    forEachPixel(f, {
      map: options.map,
      streams: {
        source: { parameter: 0, strides: stridesOf(options.map, options.sourcePadded) },
        ...(options.addend && {
          addend: { parameter: 2, strides: stridesOf(options.map, options.addendPadded) },
        }),
        result: { parameter: 3, strides: stridesOf(options.map, options.resultPadded) },
      },
      imageCountParameter: 4,
      vectorsPerBlock: 4,
      block: (firstByte, vectorCount) => {
        const rows = options.normalise
          ? coefficients(f, 1, options.map, ['scale', 'shift'], firstByte, vectorCount)
          : undefined;
        return {
          vector: (index, { source, addend, result }) => {
            let value: V128 = load(source.address, source.byteOffset);
            if (rows) value = arithmetic.multiplyAdd(value, rows.scale[index]!, rows.shift[index]!);
            if (options.addend) value = addVectors(value, load(addend.address, addend.byteOffset));
            if (options.relu) value = pseudoMaximum(value, vector(0));
            f.store(result.address, value, result.byteOffset);
          },
        };
      },
    });
  };

export interface NormalisationBackwardOptions {
  readonly map: MapShape;
  readonly padded: boolean;
}

/**
 * dx = g gain + ((x - mean) slope + bias). Parameters: g (plain), x (plain), coefficients, dx, image count.
 */
export const emitNormalisationBackward =
  ({ map, padded }: NormalisationBackwardOptions): KernelEmitter =>
  (f, arithmetic) => {
    const plain = plainStrides(map);
    forEachPixel(f, {
      map,
      streams: {
        gradient: { parameter: 0, strides: plain },
        input: { parameter: 1, strides: plain },
        result: { parameter: 3, strides: stridesOf(map, padded) },
      },
      imageCountParameter: 4,
      vectorsPerBlock: 2,
      block: (firstByte, vectorCount) => {
        const rows = coefficients(f, 2, map, ['mean', 'gain', 'slope', 'bias'], firstByte, vectorCount);
        return {
          vector: (index, { gradient, input, result }) => {
            const centred = subtractVectors(load(input.address, input.byteOffset), rows.mean[index]!);
            const correction = arithmetic.multiplyAdd(centred, rows.slope[index]!, rows.bias[index]!);
            const value = arithmetic.multiplyAdd(
              load(gradient.address, gradient.byteOffset),
              rows.gain[index]!,
              correction,
            );
            f.store(result.address, value, result.byteOffset);
          },
        };
      },
    });
  };

/** What becomes of a gradient on its way through a ReLU and into a batch normalisation. */
export interface GradientOptions {
  readonly map: MapShape;
  readonly sourcePadded: boolean;
  readonly addend: boolean;
  /** How a ReLU that lies before is undone: by its results, or by recomputing what went into it. */
  readonly mask: 'none' | 'results' | 'normalised';
  /** Whether to sum g and g (x - mean), which batch normalisation's gradient needs. */
  readonly sums: boolean;
  readonly resultsPadded: boolean;
}

/**
 * g = (source + addend) where the ReLU was open; sums[0] = sum of g, sums[1] = sum of g (x - mean), a channel each.
 * Parameters: source, addend, ReLU results, x, coefficients, g (written), sums (2, channels; written), image count.
 */
export const emitGradient =
  (options: GradientOptions): KernelEmitter =>
  (f, arithmetic) => {
    const { map } = options;
    const plain = plainStrides(map);
    const needsInput = options.sums || options.mask === 'normalised';
    const sums = f.parameter(6);
    const sumRowBytes = map.channels * FLOAT_BYTES;
    if (options.sums) {
      for (let offset = 0; offset < 2 * sumRowBytes; offset += VECTOR_BYTES) f.store(sums, vector(0), offset);
    }
    forEachPixel(f, {
      map,
      streams: {
        source: { parameter: 0, strides: stridesOf(map, options.sourcePadded) },
        ...(options.addend && { addend: { parameter: 1, strides: plain } }),
        ...(options.mask === 'results' && {
          results: { parameter: 2, strides: stridesOf(map, options.resultsPadded) },
        }),
        ...(needsInput && { input: { parameter: 3, strides: plain } }),
        result: { parameter: 5, strides: plain },
      },
      imageCountParameter: 7,
      vectorsPerBlock: 2,
      block: (firstByte, vectorCount) => {
        const masks =
          options.mask === 'normalised'
            ? coefficients(f, 4, map, ['scale', 'shift'], firstByte, vectorCount)
            : undefined;
        const centres = options.sums ? coefficients(f, 4, map, ['mean'], firstByte, vectorCount) : undefined;
        const zeros = (): Local<'v128'>[] => Array.from({ length: vectorCount }, () => f.variable(vector(0)));
        const totals = options.sums ? { gradient: zeros(), product: zeros() } : undefined;
        return {
          vector: (index, { source, addend, results, input, result }) => {
            let value: V128 = load(source.address, source.byteOffset);
            if (options.addend) value = addVectors(value, load(addend.address, addend.byteOffset));
            const x = needsInput ? f.variable(load(input.address, input.byteOffset)) : undefined;
            if (options.mask === 'results') {
              value = bitwiseAnd(value, greaterThan(load(results.address, results.byteOffset), vector(0)));
            } else if (masks) {
              const normalised = arithmetic.multiplyAdd(x!, masks.scale[index]!, masks.shift[index]!);
              value = bitwiseAnd(value, greaterThan(normalised, vector(0)));
            }
            const gradient = f.variable(value);
            f.store(result.address, gradient, result.byteOffset);
            if (totals) {
              const { gradient: sum, product } = totals;
              f.set(sum[index]!, addVectors(sum[index]!, gradient));
              const centred = subtractVectors(x!, centres!.mean[index]!);
              f.set(product[index]!, arithmetic.multiplyAdd(gradient, centred, product[index]!));
            }
          },
          end: () => {
            if (!totals) return;
            [totals.gradient, totals.product].forEach((row, rowIndex) =>
              row.forEach((total, index) => {
                const offset = rowIndex * sumRowBytes + firstByte + index * VECTOR_BYTES;
                f.store(sums, addVectors(load(sums, offset), total), offset);
              }),
            );
          },
        };
      },
    });
  };

/**
 * Per channel, the sum over the pixels of a group of images and the sum of squared deviations from the group's mean, in
 * two passes. Parameters: plain images, results (2, channels), image count.
 */
export const emitMoments =
  (map: MapShape): KernelEmitter =>
  (f, arithmetic) => {
    const vectorsPerBlock = 4;
    const pixelBytes = map.channels * FLOAT_BYTES;
    const pixelsPerTurn = divisorOf(map.height * map.width, [2]);
    const turns = f.variable(multiply(f.parameter(2), constant((map.height * map.width) / pixelsPerTurn)));
    const count = f.variable(splatInteger(multiply(f.parameter(2), constant(map.height * map.width))));
    for (let first = 0; first < pixelBytes; first += vectorsPerBlock * VECTOR_BYTES) {
      const vectorCount = Math.min(vectorsPerBlock, (pixelBytes - first) / VECTOR_BYTES);
      const indexes = Array.from({ length: vectorCount }, (_, index) => index);
      const accumulate = (term: (value: V128, index: number, sum: V128) => V128): V128[] => {
        const partial = Array.from({ length: pixelsPerTurn }, () => indexes.map(() => f.variable(vector(0))));
        const pixel = f.variable(f.parameter(0));
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
      totals.forEach((total, index) => f.store(f.parameter(1), total, first + index * VECTOR_BYTES));
      squares.forEach((square, index) =>
        f.store(f.parameter(1), square, pixelBytes + first + index * VECTOR_BYTES),
      );
    }
  };

export interface ShortcutShape {
  readonly input: MapShape;
  readonly output: MapShape;
  readonly stride: 1 | 2;
  readonly inputPadded: boolean;
}

/**
 * Every `stride`-th pixel's channels to or from the leading channels of the output. Forward the other channels become
 * zero; backward the other pixels do.
 * Parameters: inputs, plain outputs, image count. Backward the gradient of the outputs is read.
 */
export const emitShortcut =
  ({ input, output, stride, inputPadded }: ShortcutShape, direction: 'forward' | 'backward'): KernelEmitter =>
  (f) => {
    const inputs = stridesOf(input, inputPadded);
    const outputs = plainStrides(output);
    const inputImage = f.variable(add(f.parameter(0), constant(inputs.origin)));
    const outputImage = f.variable(f.parameter(1));
    f.repeat(f.parameter(2), () => {
      const inputRow = f.variable(inputImage);
      const outputRow = f.variable(outputImage);
      const visitRow = (kept: boolean): void => {
        const from = f.variable(inputRow);
        const to = f.variable(outputRow);
        const copyPixel = (keptPixel: boolean): void => {
          if (direction === 'forward') {
            for (let offset = 0; offset < outputs.pixel; offset += VECTOR_BYTES) {
              f.store(to, offset < inputs.pixel ? load(from, offset) : vector(0), offset);
            }
            f.advance(from, stride * inputs.pixel);
            f.advance(to, outputs.pixel);
            return;
          }
          for (let offset = 0; offset < inputs.pixel; offset += VECTOR_BYTES) {
            f.store(from, keptPixel ? load(to, offset) : vector(0), offset);
          }
          f.advance(from, inputs.pixel);
          if (keptPixel) f.advance(to, outputs.pixel);
        };
        if (direction === 'forward') {
          f.repeat(output.width, () => copyPixel(true));
        } else {
          alternate(f, input.width, stride, (index) => copyPixel(kept && index === 0));
        }
        f.advance(inputRow, direction === 'forward' ? stride * inputs.row : inputs.row);
        if (kept) f.advance(outputRow, outputs.row);
      };
      if (direction === 'forward') f.repeat(output.height, () => visitRow(true));
      else alternate(f, input.height, stride, (index) => visitRow(index === 0));
      f.advance(inputImage, inputs.image);
      f.advance(outputImage, outputs.image);
    });
  };

/** body(0), body(1), … body(period - 1), body(0), … `count` times in all. */
function alternate(f: FunctionBuilder, count: number, period: number, body: (index: number) => void): void {
  const whole = Math.floor(count / period);
  if (whole > 0) {
    f.repeat(whole, () => {
      for (let index = 0; index < period; index++) body(index);
    });
  }
  for (let index = 0; index < count % period; index++) body(index);
}
