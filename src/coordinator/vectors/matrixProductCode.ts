/**
 * The code of a matrix product in float32: product += a b. Each element grows by a(i, k) b(k, j), in the order of k, each
 * product and sum rounded: no fused multiply-add, so the bits are the same on every host, and however k is cut into parts.
 */

import { FunctionBuilder } from '../../foundation/wasm/functionBuilder.js';
import type { Local } from '../../foundation/wasm/functionBuilder.js';
import * as wasm from '../../foundation/wasm/expressions.js';

/** Rows and columns that are computed at once; the matrices' sizes are multiples. */
export const TILE_ROWS = 4;
export const TILE_COLUMNS = 8;
const VECTOR_BYTES = 16;
const TILE_COLUMN_BYTES = 4 * TILE_COLUMNS;

/** The order of the kernel's parameters: addresses, distances in bytes, and counts of at least one. */
export interface ProductParameters {
  readonly a: number;
  readonly b: number;
  readonly product: number;
  /** From a(i, k) to a(i + 1, k). */
  readonly aRowBytes: number;
  /** From a(i, k) to a(i, k + 1). */
  readonly aDepthBytes: number;
  readonly bDepthBytes: number;
  readonly productRowBytes: number;
  readonly depth: number;
  readonly rowTiles: number;
  readonly columnTiles: number;
}

export const PRODUCT_PARAMETERS = [
  'a',
  'b',
  'product',
  'aRowBytes',
  'aDepthBytes',
  'bDepthBytes',
  'productRowBytes',
  'depth',
  'rowTiles',
  'columnTiles',
] as const satisfies readonly (keyof ProductParameters)[];

export function emitMatrixProduct(): FunctionBuilder {
  const f = new FunctionBuilder(PRODUCT_PARAMETERS.length);
  const of = (name: keyof ProductParameters): wasm.I32 => f.parameter(PRODUCT_PARAMETERS.indexOf(name));
  const aTile = f.variable(of('a'));
  const productTile = f.variable(of('product'));
  f.repeat(of('rowTiles'), () => {
    const bTile = f.variable(of('b'));
    const target = f.variable(productTile);
    f.repeat(of('columnTiles'), () => {
      emitTile(f, aTile, bTile, target, of);
      f.advance(bTile, TILE_COLUMN_BYTES);
      f.advance(target, TILE_COLUMN_BYTES);
    });
    for (let row = 0; row < TILE_ROWS; row++) {
      f.set(aTile, wasm.add(aTile, of('aRowBytes')));
      f.set(productTile, wasm.add(productTile, of('productRowBytes')));
    }
  });
  return f;
}

function emitTile(
  f: FunctionBuilder,
  aTile: wasm.I32,
  bTile: wasm.I32,
  target: wasm.I32,
  of: (name: keyof ProductParameters) => wasm.I32,
): void {
  const rows = steppingBy(f, aTile, of('aRowBytes'));
  const targets = steppingBy(f, target, of('productRowBytes'));
  const offsets = [0, VECTOR_BYTES];
  const sums = targets.map((at) => offsets.map((offset) => f.variable(wasm.load(at, offset))));
  const b = f.variable(bTile);
  f.repeat(of('depth'), () => {
    const columns = offsets.map((offset) => f.variable(wasm.load(b, offset)));
    for (const [index, row] of rows.entries()) {
      const factor = f.variable(wasm.loadSplat(row));
      for (const [part, sum] of sums[index]!.entries()) {
        f.set(sum, wasm.addVectors(sum, wasm.multiplyVectors(factor, columns[part]!)));
      }
      f.set(row, wasm.add(row, of('aDepthBytes')));
    }
    f.set(b, wasm.add(b, of('bDepthBytes')));
  });
  for (const [index, parts] of sums.entries()) {
    for (const [part, sum] of parts.entries()) f.store(targets[index]!, sum, offsets[part]);
  }
}

/** The addresses of a tile's rows. */
function steppingBy(f: FunctionBuilder, first: wasm.I32, rowBytes: wasm.I32): readonly Local<'i32'>[] {
  const rows = Array.from({ length: TILE_ROWS }, () => f.variable(first));
  for (const [index, row] of rows.entries()) {
    if (index > 0) f.set(row, wasm.add(rows[index - 1]!, rowBytes));
  }
  return rows;
}
