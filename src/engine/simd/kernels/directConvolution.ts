/**
 * Convolution without transforms, for any kernel, stride and map size: the first layer, 1x1 and 2x2, small maps.
 * A tap (or a run of taps whose inputs are neighbours in memory) is a run of floats; a register block is 4 pixels x 8
 * output channels.
 */

import { add, constant } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import {
  addAccumulators,
  addProducts,
  columnBlocks,
  FLOAT_BYTES,
  storeAccumulators,
  VECTOR_BYTES,
  VECTOR,
  zeroAccumulators,
} from './products.js';
import { paddedStrides, plainStrides, stridesOf } from './shapes.js';
import type { ImageStrides, MapShape, Padded } from './shapes.js';

const PIXELS_PER_BLOCK = 4;

/** A run of `length` floats of the source, relative to the pixel's own place, and as many rows of weights. */
interface Run {
  readonly sourceOffset: number;
  readonly weightRow: number;
  readonly length: number;
}

/** Results on a grid of pixels: pixel (y, x) reads `source` at its strides and goes to `destination` at its. */
interface Gather {
  readonly rows: number;
  readonly columns: number;
  readonly source: ImageStrides;
  readonly destination: ImageStrides;
  readonly runs: readonly Run[];
  readonly weightRows: number;
  readonly outputs: number;
}

/** Parameters: source images, packed weights, destination images, image count. */
function gather(f: FunctionBuilder, arithmetic: Parameters<KernelEmitter>[1], grid: Gather): void {
  let outputOffset = 0;
  let weightOffset = 0;
  for (const { width, count } of columnBlocks(grid.outputs)) {
    const weights = f.variable(add(f.parameter(1), constant(weightOffset)));
    const firstOutput = f.variable(add(f.parameter(2), constant(outputOffset + grid.destination.origin)));
    f.repeat(count, () => {
      const sourceImage = f.variable(add(f.parameter(0), constant(grid.source.origin)));
      const destinationImage = f.variable(firstOutput);
      f.repeat(f.parameter(3), () => {
        const sourceRow = f.variable(sourceImage);
        const destinationRow = f.variable(destinationImage);
        f.repeat(grid.rows, () => {
          gatherRow(f, arithmetic, grid, width, weights, sourceRow, destinationRow);
          f.advance(sourceRow, grid.source.row);
          f.advance(destinationRow, grid.destination.row);
        });
        f.advance(sourceImage, grid.source.image);
        f.advance(destinationImage, grid.destination.image);
      });
      f.advance(weights, grid.weightRows * width * FLOAT_BYTES);
      f.advance(firstOutput, width * FLOAT_BYTES);
    });
    weightOffset += count * grid.weightRows * width * FLOAT_BYTES;
    outputOffset += count * width * FLOAT_BYTES;
  }
}

function gatherRow(
  f: FunctionBuilder,
  arithmetic: Parameters<KernelEmitter>[1],
  grid: Gather,
  width: number,
  weights: Local<'i32'>,
  sourceRow: Local<'i32'>,
  destinationRow: Local<'i32'>,
): void {
  const source = f.variable(sourceRow);
  const destination = f.variable(destinationRow);
  const blockOf = (pixels: number): void => {
    const block = zeroAccumulators(f, pixels, width);
    for (const { sourceOffset, weightRow, length } of grid.runs) {
      const left = f.variable(add(source, constant(sourceOffset)));
      const right = f.variable(add(weights, constant(weightRow * width * FLOAT_BYTES)));
      addProducts(
        f,
        arithmetic,
        block,
        length,
        { pointer: left, rowBytes: grid.source.pixel, stepBytes: FLOAT_BYTES },
        { pointer: right, stepBytes: width * FLOAT_BYTES },
      );
    }
    storeAccumulators(f, block, destination, grid.destination.pixel);
    f.advance(source, pixels * grid.source.pixel);
    f.advance(destination, pixels * grid.destination.pixel);
  };
  const whole = Math.floor(grid.columns / PIXELS_PER_BLOCK);
  const rest = grid.columns % PIXELS_PER_BLOCK;
  if (whole > 0) f.repeat(whole, () => blockOf(PIXELS_PER_BLOCK));
  if (rest > 0) blockOf(rest);
}

export interface DirectShape {
  readonly input: MapShape;
  readonly output: MapShape;
  readonly stride: 1 | 2;
  readonly kernelSize: 1 | 2 | 3;
  /** Zeros before the first pixel: output p reads inputs from p stride - zeros on. */
  readonly zeros: number;
}

/** How the gradients of the outputs lie: as far beyond the map as taps reach from some input. */
export const gradientPadding = ({ kernelSize, zeros }: DirectShape): Padded =>
  kernelSize - 1 - zeros > 1 ? 'doubly' : true;

/** Padded inputs from the first tap of the first output on. */
function tapStrides({ input, zeros }: DirectShape): ImageStrides {
  const strides = paddedStrides(input);
  return { ...strides, origin: (1 - zeros) * (strides.row + strides.pixel) };
}

const indexes = (length: number): number[] => Array.from({ length }, (_, index) => index);

/** Parameters: padded inputs, packed weights (taps inputs, outputs), plain outputs (written), image count. */
export const emitDirectForward =
  (shape: DirectShape): KernelEmitter =>
  (f, arithmetic) => {
    const { input, output, stride, kernelSize } = shape;
    const source = tapStrides(shape);
    gather(f, arithmetic, {
      rows: output.height,
      columns: output.width,
      source: { ...source, pixel: stride * source.pixel, row: stride * source.row },
      destination: plainStrides(output),
      runs: indexes(kernelSize).map((y) => ({
        sourceOffset: y * source.row,
        weightRow: y * kernelSize * input.channels,
        length: kernelSize * input.channels,
      })),
      weightRows: kernelSize * kernelSize * input.channels,
      outputs: output.channels,
    });
  };

/**
 * The gradient of the inputs. Through tap k, an input pixel feeds output (pixel + zeros - k) / stride if that is whole.
 * So pixels of one parity share their taps, and each parity is a separate grid. A parity without taps is zero.
 * Parameters: gradients of the outputs, padded as `gradientPadding` says, packed transposed weights (taps outputs,
 * inputs), plain gradients of the inputs (written), image count.
 */
export const emitDirectInputGradient =
  (shape: DirectShape): KernelEmitter =>
  (f, arithmetic) => {
    const { input, output, stride, kernelSize } = shape;
    const source = stridesOf(output, gradientPadding(shape));
    const destination = plainStrides(input);
    for (const parityY of indexes(stride)) {
      for (const parityX of indexes(stride)) {
        const rows = Math.ceil((input.height - parityY) / stride);
        const columns = Math.ceil((input.width - parityX) / stride);
        if (rows === 0 || columns === 0) continue;
        const runs = tapsOf(parityY, shape).flatMap((y) =>
          tapsOf(parityX, shape).map((x) => ({
            sourceOffset: y.shift * source.row + x.shift * source.pixel,
            weightRow: (y.tap * kernelSize + x.tap) * output.channels,
            length: output.channels,
          })),
        );
        gather(f, arithmetic, {
          rows,
          columns,
          source,
          destination: {
            pixel: stride * destination.pixel,
            row: stride * destination.row,
            image: destination.image,
            origin: parityY * destination.row + parityX * destination.pixel,
          },
          runs,
          weightRows: kernelSize * kernelSize * output.channels,
          outputs: input.channels,
        });
      }
    }
  };

/** The taps that pixels of this parity have, and which output each one reads, relative to the pixel's grid place. */
function tapsOf(
  parity: number,
  { kernelSize, zeros, stride }: DirectShape,
): { readonly tap: number; readonly shift: number }[] {
  return indexes(kernelSize)
    .map((tap) => ({ tap, shift: (parity + zeros - tap) / stride }))
    .filter(({ shift }) => Number.isInteger(shift));
}

/**
 * The gradient of the weights, blocks of 4 inputs x 8 outputs.
 * Parameters: padded inputs, gradients of the outputs, padded as `gradientPadding` says, weights' gradient (K, K, inputs,
 * outputs; added to), image count.
 */
export const emitDirectWeightGradient =
  (shape: DirectShape): KernelEmitter =>
  (f, arithmetic) => {
    const { input, output, stride, kernelSize } = shape;
    const source = tapStrides(shape);
    const gradient = stridesOf(output, gradientPadding(shape));
    const outputBytes = output.channels * FLOAT_BYTES;
    const sums = f.variable(f.parameter(2));
    const tapRow = f.variable(add(f.parameter(0), constant(source.origin)));
    f.repeat(kernelSize, () => {
      const tap = f.variable(tapRow);
      f.repeat(kernelSize, () => {
        const inputBlock = f.variable(tap);
        f.repeat(input.channels / VECTOR, () => {
          const column = f.variable(add(f.parameter(1), constant(gradient.origin)));
          for (const { width, count } of columnBlocks(output.channels)) {
            f.repeat(count, () => {
              const block = zeroAccumulators(f, VECTOR, width);
              const imageLeft = f.variable(inputBlock);
              const imageRight = f.variable(column);
              f.repeat(f.parameter(3), () => {
                const rowLeft = f.variable(imageLeft);
                const rowRight = f.variable(imageRight);
                f.repeat(output.height, () => {
                  const left = f.variable(rowLeft);
                  const right = f.variable(rowRight);
                  addProducts(
                    f,
                    arithmetic,
                    block,
                    output.width,
                    { pointer: left, rowBytes: FLOAT_BYTES, stepBytes: stride * source.pixel },
                    { pointer: right, stepBytes: gradient.pixel },
                  );
                  f.advance(rowLeft, stride * source.row);
                  f.advance(rowRight, gradient.row);
                });
                f.advance(imageLeft, source.image);
                f.advance(imageRight, gradient.image);
              });
              addAccumulators(f, block, sums, outputBytes);
              f.advance(column, width * FLOAT_BYTES);
              f.advance(sums, width * FLOAT_BYTES);
            });
          }
          f.advance(inputBlock, VECTOR_BYTES);
          f.advance(sums, (VECTOR - 1) * outputBytes);
        });
        f.advance(tap, source.pixel);
      });
      f.advance(tapRow, source.row);
    });
  };
