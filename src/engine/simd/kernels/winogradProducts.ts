/** The matrix products of Winograd's transform domain, one per position: (tiles, in) (in, out), and (in, tiles) (tiles, out). */

import { load, loadSplat } from '../../../foundation/wasm/expressions.js';
import type { KernelEmitter } from './library.js';
import {
  columnBlocks,
  addAccumulators,
  FLOAT_BYTES,
  rankOneUpdate,
  storeAccumulators,
  VECTOR,
  VECTOR_BYTES,
  zeroAccumulators,
} from './products.js';
import type { FunctionBuilder } from '../../../foundation/wasm/functionBuilder.js';
import type { I32, V128 } from '../../../foundation/wasm/expressions.js';
import { weightPositionStride } from './winogradTransforms.js';

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

export function columnOperands(pointer: I32, width: number): V128[] {
  return Array.from({ length: width / VECTOR }, (_, index) => load(pointer, index * VECTOR_BYTES));
}

/** M[p] = V[p] U[p]. Parameters: V (tiles, inputs), U packed, M (tiles, outputs; written), blocks of 4 tiles. */
export const emitTileProduct =
  ({ positions, inputs, outputs, inputStride, outputStride }: ProductShape): KernelEmitter =>
  (f, arithmetic) => {
    const [domain, weights, products] = pointersOf(f, 3);
    const rowBytes = inputs * FLOAT_BYTES;
    const blocksBytes = outputs * FLOAT_BYTES;
    const weightSkew =
      weightPositionStride({ rows: inputs, columns: outputs }) - inputs * outputs * FLOAT_BYTES;
    f.repeat(positions, () => {
      for (const { width, count } of columnBlocks(outputs)) {
        f.repeat(count, () => {
          const row = f.variable(domain);
          const product = f.variable(products);
          f.repeat(f.parameter(3), () => {
            const block = zeroAccumulators(f, TILES_PER_BLOCK, width);
            const left = f.variable(row);
            const right = f.variable(weights);
            f.repeat(inputs, () => {
              rankOneUpdate(
                f,
                arithmetic,
                block,
                (tile) => loadSplat(left, tile * rowBytes),
                columnOperands(right, width),
              );
              f.advance(left, FLOAT_BYTES);
              f.advance(right, width * FLOAT_BYTES);
            });
            storeAccumulators(f, block, product, blocksBytes);
            f.advance(row, TILES_PER_BLOCK * rowBytes);
            f.advance(product, TILES_PER_BLOCK * blocksBytes);
          });
          f.advance(weights, inputs * width * FLOAT_BYTES);
          f.advance(products, width * FLOAT_BYTES);
        });
      }
      f.advance(domain, inputStride);
      f.advance(weights, weightSkew);
      f.advance(products, outputStride - blocksBytes);
    });
  };

/** U[p] += V[p]t M[p]. Parameters: V (tiles, inputs), M (tiles, outputs), U (inputs, outputs; added to), tile count. */
export const emitWeightProduct =
  ({ positions, inputs, outputs, inputStride, outputStride }: ProductShape): KernelEmitter =>
  (f, arithmetic) => {
    const [domain, gradients, sums] = pointersOf(f, 3);
    const outputBytes = outputs * FLOAT_BYTES;
    const sumSkew = weightPositionStride({ rows: inputs, columns: outputs }) - inputs * outputBytes;
    f.repeat(positions, () => {
      f.repeat(inputs / TILES_PER_BLOCK, () => {
        const column = f.variable(gradients);
        for (const { width, count } of columnBlocks(outputs)) {
          f.repeat(count, () => {
            const block = zeroAccumulators(f, TILES_PER_BLOCK, width);
            const left = f.variable(domain);
            const right = f.variable(column);
            f.repeat(f.parameter(3), () => {
              rankOneUpdate(
                f,
                arithmetic,
                block,
                (input) => loadSplat(left, input * FLOAT_BYTES),
                columnOperands(right, width),
              );
              f.advance(left, inputs * FLOAT_BYTES);
              f.advance(right, outputBytes);
            });
            addAccumulators(f, block, sums, outputBytes);
            f.advance(column, width * FLOAT_BYTES);
            f.advance(sums, width * FLOAT_BYTES);
          });
        }
        f.advance(domain, TILES_PER_BLOCK * FLOAT_BYTES);
        f.advance(sums, (TILES_PER_BLOCK - 1) * outputBytes);
      });
      f.advance(domain, inputStride - inputs * FLOAT_BYTES);
      f.advance(gradients, outputStride);
      f.advance(sums, sumSkew);
    });
  };

/** Copies of the first parameters, which a loop can advance. */
export function pointersOf(f: FunctionBuilder, count: 3): readonly [Pointer, Pointer, Pointer] {
  const pointers = Array.from({ length: count }, (_, index) => f.variable(f.parameter(index)));
  return pointers as [Pointer, Pointer, Pointer] & unknown[];
}
type Pointer = ReturnType<FunctionBuilder['parameter']>;
