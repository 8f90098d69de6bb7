/** The matrix products of Winograd's transform domain, one per position: (tiles, in) (in, out), and (in, tiles) (tiles, out). */

import { add, constant, divide, multiply, smaller, subtract } from '../../../foundation/wasm/expressions.js';
import type { KernelEmitter } from './library.js';
import {
  addAccumulators,
  addProducts,
  columnBlocks,
  FLOAT_BYTES,
  storeAccumulators,
  zeroAccumulators,
} from './products.js';
import type { FunctionBuilder } from '../../../foundation/wasm/functionBuilder.js';
import type { I32 } from '../../../foundation/wasm/expressions.js';
import { tilePitch, weightPositionStride } from './winogradTransforms.js';

/** Rows of a register block. Tiles are counted in fours, and the domain has room for whole fours. */
export const TILES_PER_BLOCK = 4;

export interface ProductShape {
  readonly positions: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes between positions of the (tiles, inputs) and of the (tiles, outputs) operand. */
  readonly inputStride: number;
  readonly outputStride: number;
}

/** Of V in one part, which stays in the first-level cache while the weights pass by. */
const BYTES_AT_ONCE = 1 << 13;

/** M[p] = V[p] U[p]. Parameters: V (tiles, inputs), U packed, M (tiles, outputs; written), blocks of 4 tiles. */
export const emitTileProduct =
  ({ positions, inputs, outputs, inputStride, outputStride }: ProductShape): KernelEmitter =>
  (f, arithmetic) => {
    const [domain, weights, products] = pointersOf(f, 3);
    const rowBytes = tilePitch(inputs);
    const productBytes = tilePitch(outputs);
    const blocksAtOnce = Math.max(1, Math.floor(BYTES_AT_ONCE / (TILES_PER_BLOCK * rowBytes)));
    f.repeat(positions, () => {
      const rows = f.variable(domain);
      const firstProducts = f.variable(products);
      repeatInParts(f, f.parameter(3), blocksAtOnce, (blocks) => {
        const packed = f.variable(weights);
        const column = f.variable(firstProducts);
        for (const { width, count } of columnBlocks(outputs)) {
          f.repeat(count, () => {
            const row = f.variable(rows);
            const product = f.variable(column);
            f.repeat(blocks, () => {
              const block = zeroAccumulators(f, TILES_PER_BLOCK, width);
              const left = f.variable(row);
              const right = f.variable(packed);
              addProducts(
                f,
                arithmetic,
                block,
                inputs,
                { pointer: left, rowBytes, stepBytes: FLOAT_BYTES },
                { pointer: right, stepBytes: width * FLOAT_BYTES },
              );
              storeAccumulators(f, block, product, productBytes);
              f.advance(row, TILES_PER_BLOCK * rowBytes);
              f.advance(product, TILES_PER_BLOCK * productBytes);
            });
            f.advance(packed, inputs * width * FLOAT_BYTES);
            f.advance(column, width * FLOAT_BYTES);
          });
        }
        f.set(rows, add(rows, multiply(blocks, constant(TILES_PER_BLOCK * rowBytes))));
        f.set(firstProducts, add(firstProducts, multiply(blocks, constant(TILES_PER_BLOCK * productBytes))));
      });
      f.advance(domain, inputStride);
      f.advance(weights, weightPositionStride({ rows: inputs, columns: outputs }));
      f.advance(products, outputStride);
    });
  };

/** Calls the body for parts of `count`, which is at least 1: `most` each, and a rest. */
function repeatInParts(f: FunctionBuilder, count: I32, most: number, body: (part: I32) => void): void {
  const remaining = f.variable(count);
  const parts = divide(add(count, constant(most - 1)), constant(most));
  f.repeat(parts, () => {
    const part = f.variable(smaller(remaining, constant(most)));
    body(part);
    f.set(remaining, subtract(remaining, part));
  });
}

/** Columns whose gradients stay in the first-level cache while the inputs pass by. */
const COLUMNS_AT_ONCE = 128;

/**
 * U[p] += V[p]t M[p]. Parameters: V (tiles, inputs), M (tiles, outputs), U (inputs, outputs; added to), and a count: of
 * tiles, or of groups of tiles. Each group has a sum of its own, as if the kernel ran once for each: the bits are the same,
 * and U passes through the caches once.
 * @param tilesPerGroup undefined: the tiles that are counted are one group
 */
export const emitWeightProduct =
  (
    { positions, inputs, outputs, inputStride, outputStride }: ProductShape,
    tilesPerGroup?: number,
  ): KernelEmitter =>
  (f, arithmetic) => {
    const [groups, tiles] =
      tilesPerGroup === undefined ? [1, f.parameter(3)] : [f.parameter(3), tilesPerGroup];
    const [domain, gradients, sums] = pointersOf(f, 3);
    const outputBytes = outputs * FLOAT_BYTES;
    const emitBlocks = (columns: number, gradient: Pointer, sum: Pointer): void => {
      const inputRow = f.variable(domain);
      const rowSums = f.variable(sum);
      f.repeat(inputs / TILES_PER_BLOCK, () => {
        const column = f.variable(gradient);
        const columnSums = f.variable(rowSums);
        for (const { width, count } of columnBlocks(columns)) {
          f.repeat(count, () => {
            const left = f.variable(inputRow);
            const right = f.variable(column);
            f.repeat(groups, () => {
              const block = zeroAccumulators(f, TILES_PER_BLOCK, width);
              addProducts(
                f,
                arithmetic,
                block,
                tiles,
                { pointer: left, rowBytes: FLOAT_BYTES, stepBytes: tilePitch(inputs) },
                { pointer: right, stepBytes: tilePitch(outputs) },
              );
              addAccumulators(f, block, columnSums, outputBytes);
            });
            f.advance(column, width * FLOAT_BYTES);
            f.advance(columnSums, width * FLOAT_BYTES);
          });
        }
        f.advance(inputRow, TILES_PER_BLOCK * FLOAT_BYTES);
        f.advance(rowSums, TILES_PER_BLOCK * outputBytes);
      });
    };
    const wholeParts = Math.floor(outputs / COLUMNS_AT_ONCE);
    const rest = outputs % COLUMNS_AT_ONCE;
    f.repeat(positions, () => {
      const gradient = f.variable(gradients);
      const sum = f.variable(sums);
      const emitPart = (columns: number): void => {
        emitBlocks(columns, gradient, sum);
        f.advance(gradient, columns * FLOAT_BYTES);
        f.advance(sum, columns * FLOAT_BYTES);
      };
      if (wholeParts > 0) f.repeat(wholeParts, () => emitPart(COLUMNS_AT_ONCE));
      if (rest > 0) emitPart(rest);
      f.advance(domain, inputStride);
      f.advance(gradients, outputStride);
      f.advance(sums, weightPositionStride({ rows: inputs, columns: outputs }));
    });
  };

/** Copies of the first parameters, which a loop can advance. */
export function pointersOf(f: FunctionBuilder, count: 3): readonly [Pointer, Pointer, Pointer] {
  const pointers = Array.from({ length: count }, (_, index) => f.variable(f.parameter(index)));
  return pointers as [Pointer, Pointer, Pointer] & unknown[];
}
type Pointer = ReturnType<FunctionBuilder['parameter']>;
