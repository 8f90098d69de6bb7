/** Transposes matrices: gradients are multiplied by transposed weights. */

import { load, shuffle } from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder } from '../../../foundation/wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import { FLOAT_BYTES, VECTOR, VECTOR_BYTES } from './products.js';
import type { WeightShape } from './winogradTransforms.js';

/** (rows, columns) -> (columns, rows) of `count` matrices. Parameters: from, to (written), count. */
export const emitTranspose =
  ({ rows, columns }: WeightShape): KernelEmitter =>
  (f) => {
    const rowBytes = { from: columns * FLOAT_BYTES, to: rows * FLOAT_BYTES };
    const fromMatrix = f.variable(f.parameter(0));
    const toMatrix = f.variable(f.parameter(1));
    f.repeat(f.parameter(2), () => {
      const toColumns = f.variable(toMatrix);
      f.repeat(rows / VECTOR, () => {
        const from = f.variable(fromMatrix);
        const to = f.variable(toColumns);
        f.repeat(columns / VECTOR, () => {
          const turned = transposeSquare(f, (row) => load(from, row * rowBytes.from));
          turned.forEach((column, index) => f.store(to, column, index * rowBytes.to));
          f.advance(from, VECTOR_BYTES);
          f.advance(to, VECTOR * rowBytes.to);
        });
        f.advance(fromMatrix, VECTOR * rowBytes.from);
        f.advance(toColumns, VECTOR_BYTES);
      });
      f.advance(toMatrix, columns * rowBytes.to);
    });
  };

const PAIRS_LOW = [0, 4, 1, 5] as const;
const PAIRS_HIGH = [2, 6, 3, 7] as const;
const FIRST_HALVES = [0, 1, 4, 5] as const;
const LAST_HALVES = [2, 3, 6, 7] as const;

/** Four vectors of four, with shuffles that are single instructions on every processor. */
function transposeSquare(f: FunctionBuilder, row: (index: number) => V128): readonly V128[] {
  const [a, b, c, d] = [f.variable(row(0)), f.variable(row(1)), f.variable(row(2)), f.variable(row(3))];
  return [PAIRS_LOW, PAIRS_HIGH].flatMap((pairs) => {
    const [ab, cd] = [f.variable(shuffle(a, b, pairs)), f.variable(shuffle(c, d, pairs))];
    return [shuffle(ab, cd, FIRST_HALVES), shuffle(ab, cd, LAST_HALVES)];
  });
}
