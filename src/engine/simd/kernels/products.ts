/**
 * Matrix products in registers: blocks of 4 rows x 8 columns fit 16 vector registers (8 accumulators, the operands, one
 * for the compiler). Weights are packed by column blocks, [block][k][8]; the last block may be 4 wide.
 */

import type { Arithmetic } from '../arithmetic.js';
import { addVectors, load, loadSplat, vector } from '../../../foundation/wasm/expressions.js';
import type { I32, V128 } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';

export const VECTOR = 4; // floats
export const VECTOR_BYTES = 16;
export const FLOAT_BYTES = 4;
export const BLOCK_COLUMNS = 8;

/** Widths of the column blocks that cover `columns` (a multiple of 4), as runs of equal ones. */
export function columnBlocks(columns: number): { readonly width: number; readonly count: number }[] {
  const whole = Math.floor(columns / BLOCK_COLUMNS);
  const runs = [];
  if (whole > 0) runs.push({ width: BLOCK_COLUMNS, count: whole });
  if (columns % BLOCK_COLUMNS > 0) runs.push({ width: columns % BLOCK_COLUMNS, count: 1 });
  return runs;
}

/** The largest of the candidates that divides `length`. */
export function divisorOf(length: number, candidates: readonly number[]): number {
  return candidates.find((candidate) => length % candidate === 0) ?? 1;
}

export interface Accumulators {
  readonly rows: readonly (readonly Local<'v128'>[])[];
}

export function zeroAccumulators(f: FunctionBuilder, rowCount: number, width: number): Accumulators {
  const zero = vector(0);
  return {
    rows: Array.from({ length: rowCount }, () =>
      Array.from({ length: width / VECTOR }, () => f.variable(zero)),
    ),
  };
}

/** An operand of a product. Its pointer advances from one k to the next. */
interface Operand {
  readonly pointer: Local<'i32'>;
  readonly stepBytes: number;
}

/** accumulators[r][:] += left[r, k] * right[k, :], for each of `count` k in their order. */
export function addProducts(
  f: FunctionBuilder,
  arithmetic: Arithmetic,
  accumulators: Accumulators,
  count: number | I32,
  left: Operand & { readonly rowBytes: number },
  right: Operand,
): void {
  f.repeat(count, () => {
    const rowOperand = (row: number): V128 => loadSplat(left.pointer, row * left.rowBytes);
    rankOneUpdate(f, arithmetic, accumulators, rowOperand, right.pointer);
    f.advance(left.pointer, left.stepBytes);
    f.advance(right.pointer, right.stepBytes);
  });
}

/** For one k: its row of the right operand is read as vectors. */
function rankOneUpdate(
  f: FunctionBuilder,
  arithmetic: Arithmetic,
  { rows }: Accumulators,
  rowOperand: (row: number) => V128,
  right: Local<'i32'>,
): void {
  const columns = rows[0]!.map((_, column) => f.variable(load(right, column * VECTOR_BYTES)));
  rows.forEach((accumulators, row) => {
    const factor = f.variable(rowOperand(row));
    accumulators.forEach((accumulator, column) =>
      f.set(accumulator, arithmetic.multiplyAdd(factor, columns[column]!, accumulator)),
    );
  });
}

export function storeAccumulators(
  f: FunctionBuilder,
  { rows }: Accumulators,
  pointer: Local<'i32'>,
  rowBytes: number,
): void {
  rows.forEach((accumulators, row) =>
    accumulators.forEach((accumulator, column) =>
      f.store(pointer, accumulator, row * rowBytes + column * VECTOR_BYTES),
    ),
  );
}

/** Adds the accumulators to what is stored. */
export function addAccumulators(
  f: FunctionBuilder,
  { rows }: Accumulators,
  pointer: Local<'i32'>,
  rowBytes: number,
): void {
  rows.forEach((accumulators, row) =>
    accumulators.forEach((accumulator, column) => {
      const offset = row * rowBytes + column * VECTOR_BYTES;
      f.store(pointer, addVectors(load(pointer, offset), accumulator), offset);
    }),
  );
}
