/**
 * How the gradient of a filter by matrix products is divided into workgroups. Input channels are the rows of a product,
 * output channels its columns, and pixels the terms of its sum. A subgroup computes one row of taps for a few products of
 * channels. Workgroups share the channels and the pixels.
 */

import { SUBGROUP_THREADS } from './matrixOperations.js';
import type { MatrixUnit } from './matrixOperations.js';
import { PRODUCT_CHANNELS } from './matrixConvolutionTile.js';
import { filterLengthOf } from './weightGradientTile.js';
import type { WeightGradientSize } from './weightGradientTile.js';

/** Terms of a product's sum. */
export const PRODUCT_PIXELS = 16;
const QUADS = PRODUCT_CHANNELS / 4;
/** Two or four per core of a large GPU. */
const WORKGROUPS = [264, 528];
const MOST_PARTIAL_FLOATS = 6 * 1024 * 1024; // 24 MiB of partial sums at most

/** What can be chosen; channels in products. */
export interface MatrixWeightGradientChoice {
  readonly rows: number;
  readonly columns: number;
  /** Of a workgroup. */
  readonly inputBlock: number;
  readonly outputBlock: number;
  /** Of a subgroup. */
  readonly inputProducts: number;
  readonly outputProducts: number;
  /** Desired number of workgroups. */
  readonly workgroups: number;
}

export interface MatrixWeightGradientTile extends MatrixWeightGradientChoice {
  readonly inputColumns: number;
  /** Pixels of the input in workgroup memory. */
  readonly inputCells: number;
  /**
   * Whether pixels are counted along rows as long as the input's with its border, because the pixels of a product would not
   * fit into a row of the gradient. Pixels beyond the gradient's row count as zero.
   */
  readonly isLinear: boolean;
  /** Pixels of the gradient in workgroup memory, a multiple of `PRODUCT_PIXELS`; and of a row. */
  readonly gradientCells: number;
  readonly gradientColumns: number;
  /** In quads, between neighbouring pixels. */
  readonly inputStride: number;
  readonly gradientStride: number;
  readonly threads: number;
  readonly tilesAcross: number;
  readonly tilesPerImage: number;
  readonly splits: number;
  readonly tilesPerSplit: number;
}

/** Undefined if matrix products cannot compute this gradient. */
export function usualMatrixWeightGradientTile(
  size: WeightGradientSize,
  unit: MatrixUnit,
): MatrixWeightGradientTile | undefined {
  return matrixWeightGradientTiles(size, unit)[0];
}

/** All tiles within the device's limits, those expected to be fastest first. */
export function matrixWeightGradientTiles(
  size: WeightGradientSize,
  { operations, limits }: MatrixUnit,
): MatrixWeightGradientTile[] {
  const { input, output, border } = size;
  if (border === 0) return []; // the kernels of matrices know no other border
  if (input.channels % PRODUCT_CHANNELS !== 0 || output.channels % PRODUCT_CHANNELS !== 0) return [];
  return [...choices(size)]
    .map((choice) => tileOf(size, choice))
    .filter(
      (tile) =>
        tile.threads <= limits.threads &&
        (tile.inputCells * tile.inputStride + tile.gradientCells * tile.gradientStride) *
          operations.elementBytes <=
          limits.vectors * 16,
    );
}

function* choices({ input, output }: WeightGradientSize): Generator<MatrixWeightGradientChoice> {
  const dividing = (count: number, most: readonly number[]): number[] =>
    most.filter((divisor) => count % divisor === 0);
  const columns = Math.min(16, output.width);
  const [inputs, outputs] = [input.channels / PRODUCT_CHANNELS, output.channels / PRODUCT_CHANNELS];
  for (const rows of [8, 4, 2].filter((count) => count < 2 * output.height)) {
    for (const outputBlock of dividing(outputs, [4, 2, 1]).slice(0, 2)) {
      for (const inputBlock of dividing(inputs, [2, 4, 1]).slice(0, 2)) {
        for (const outputProducts of dividing(outputBlock, [4, 2, 1]).slice(0, 2)) {
          for (const inputProducts of dividing(inputBlock, [1, 2])) {
            for (const workgroups of WORKGROUPS) {
              // At most ninety-six sums in the registers of a thread.
              if (inputProducts * outputProducts > 4) continue;
              const blocks = { inputBlock, outputBlock, inputProducts, outputProducts };
              yield { rows, columns, ...blocks, workgroups };
            }
          }
        }
      }
    }
  }
}

function tileOf(size: WeightGradientSize, choice: MatrixWeightGradientChoice): MatrixWeightGradientTile {
  const { stride, imageCount, input, output } = size;
  const { rows, columns, inputBlock, outputBlock, inputProducts, outputProducts, workgroups } = choice;
  const span = (length: number): number => (length - 1) * stride + 3;
  const isLinear = columns % PRODUCT_PIXELS !== 0;
  const inputColumns = span(columns);
  const gradientColumns = isLinear ? inputColumns : columns;
  const gradientCells = Math.ceil((rows * gradientColumns) / PRODUCT_PIXELS) * PRODUCT_PIXELS;
  const lastLinear = stride * (gradientCells - 1) + 2 * inputColumns + 2;
  const tilesAcross = Math.ceil(output.width / columns);
  const tilesPerImage = tilesAcross * Math.ceil(output.height / rows);
  const blocks =
    (input.channels * output.channels) / (inputBlock * outputBlock * PRODUCT_CHANNELS * PRODUCT_CHANNELS);
  const wanted = Math.min(
    Math.max(1, Math.floor(workgroups / blocks)),
    Math.max(1, Math.floor(MOST_PARTIAL_FLOATS / filterLengthOf(size))),
  );
  const tilesPerSplit = Math.ceil((imageCount * tilesPerImage) / wanted);
  return {
    ...choice,
    inputColumns,
    inputCells: Math.max(span(rows) * inputColumns, isLinear ? lastLinear + 1 : 0),
    isLinear,
    gradientCells,
    gradientColumns,
    inputStride: inputBlock * QUADS + 2,
    gradientStride: outputBlock * QUADS + 2,
    threads: 3 * (inputBlock / inputProducts) * (outputBlock / outputProducts) * SUBGROUP_THREADS,
    tilesAcross,
    tilesPerImage,
    splits: Math.ceil((imageCount * tilesPerImage) / tilesPerSplit),
    tilesPerSplit,
  };
}
