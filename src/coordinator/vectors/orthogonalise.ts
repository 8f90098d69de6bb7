/**
 * The nearest matrix with orthonormal columns (or rows), approximately: the Newton–Schulz iteration of Muon (Keller Jordan,
 * "Muon: An optimizer for hidden layers in neural networks", 2024). Singular values end between 0.7 and 1.2.
 *
 * Products are float32 in a fixed order; norms and coefficients are float64, rounded where they are stored. So the bits are
 * the same on every host.
 */

import { compileNow, newMemory } from '../../foundation/wasm/host.js';
import { encodeModule } from '../../foundation/wasm/module.js';
import type { WasmMemory } from '../../foundation/wasm/host.js';
import { emitMatrixProduct, PRODUCT_PARAMETERS, TILE_COLUMNS, TILE_ROWS } from './matrixProductCode.js';
import type { ProductParameters } from './matrixProductCode.js';

const ITERATIONS = 5;
/** Of the quintic a x + b x³ + c x⁵, chosen by Jordan for the steepest slope at zero. */
const [LINEAR, CUBIC, QUINTIC] = [3.4445, -4.775, 2.0315] as const;
/** Of a product at once: what a tile reads of `b` then stays in the first-level cache. */
const DEPTH_BLOCK = 128;
const PAGE_BYTES = 65_536;
const MAXIMUM_PAGES = 65_536;
const FLOAT_BYTES = 4;

/** A matrix in the kernel's memory, padded with zeros to whole tiles. */
interface Padded {
  readonly values: Float32Array; // (rows, columns)
  readonly rows: number;
  readonly columns: number;
}

/**
 * @param matrix (rows, columns), not all zero
 * @returns (rows, columns)
 */
export function orthogonalise(matrix: Float32Array, rows: number, columns: number): Float32Array {
  // The smaller side gives the smaller products.
  if (rows < columns) {
    const turned = transposed(matrix, rows, columns);
    return transposed(orthogonalise(turned, columns, rows), columns, rows);
  }
  const arena = arenaFor(paddedTo(rows) * paddedTo(columns), paddedTo(columns) * paddedTo(columns));
  let current = arena.tall(0, rows, columns);
  let next = arena.tall(1, rows, columns);
  const [gram, square] = [arena.square(0, columns), arena.square(1, columns)];
  fillNormalised(current, matrix, rows, columns);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    arena.multiplyTransposed(current, current, gram);
    arena.multiply(gram, gram, square);
    combine(gram.values, square.values, gram.columns);
    arena.multiply(current, square, next);
    [current, next] = [next, current];
  }
  return withoutPadding(current, rows, columns);
}

/** square = LINEAR identity + CUBIC gram + QUINTIC square */
function combine(gram: Float32Array, square: Float32Array, size: number): void {
  for (let index = 0; index < square.length; index++) {
    const identity = index % (size + 1) === 0 ? LINEAR : 0;
    square[index] = identity + CUBIC * gram[index]! + QUINTIC * square[index]!;
  }
}

/** The square root of the sum of squares, in float64, added in order. */
export function frobeniusNorm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function fillNormalised(target: Padded, matrix: Float32Array, rows: number, columns: number): void {
  const norm = frobeniusNorm(matrix);
  target.values.fill(0);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      target.values[row * target.columns + column] = matrix[row * columns + column]! / norm;
    }
  }
}

function withoutPadding(from: Padded, rows: number, columns: number): Float32Array {
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const start = row * from.columns;
    values.set(from.values.subarray(start, start + columns), row * columns);
  }
  return values;
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = matrix[row * columns + column]!;
    }
  }
  return turned;
}

const paddedTo = (size: number): number => Math.ceil(size / TILE_COLUMNS) * TILE_COLUMNS;

let kernel: ReturnType<typeof compileNow> | undefined;
let arena: Arena | undefined;

/** One memory serves all calls, which end before another begins; it grows to the largest. */
function arenaFor(tallFloats: number, squareFloats: number): Arena {
  arena ??= new Arena();
  arena.reserve(tallFloats, squareFloats);
  return arena;
}

/** Two tall matrices and two square ones. */
class Arena {
  private readonly memory: WasmMemory = newMemory(1, MAXIMUM_PAGES);
  private readonly run: (...parameters: number[]) => void;
  private tallFloats = 0;
  private squareFloats = 0;

  constructor() {
    kernel ??= compileNow(encodeModule([{ name: 'product', builder: emitMatrixProduct() }], 'unshared'));
    this.run = kernel(this.memory).exports.product as (...parameters: number[]) => void;
  }

  /** Makes room; matrices that were given before are lost. */
  reserve(tallFloats: number, squareFloats: number): void {
    this.tallFloats = tallFloats;
    this.squareFloats = squareFloats;
    const neededBytes = 2 * FLOAT_BYTES * (tallFloats + squareFloats);
    const missingPages = Math.ceil((neededBytes - this.memory.buffer.byteLength) / PAGE_BYTES);
    if (missingPages > 0) this.memory.grow(missingPages);
  }

  tall(index: 0 | 1, rows: number, columns: number): Padded {
    return this.matrix(index * this.tallFloats, paddedTo(rows), paddedTo(columns));
  }

  square(index: 0 | 1, size: number): Padded {
    const start = 2 * this.tallFloats + index * this.squareFloats;
    return this.matrix(start, paddedTo(size), paddedTo(size));
  }

  /** product = a b */
  multiply(a: Padded, b: Padded, product: Padded): void {
    this.product(a, b, product, {
      ...{ aRowBytes: FLOAT_BYTES * a.columns, aDepthBytes: FLOAT_BYTES },
      ...{ depth: a.columns, rows: a.rows },
    });
  }

  /** product = aᵀ b */
  multiplyTransposed(a: Padded, b: Padded, product: Padded): void {
    this.product(a, b, product, {
      ...{ aRowBytes: FLOAT_BYTES, aDepthBytes: FLOAT_BYTES * a.columns },
      ...{ depth: a.rows, rows: a.columns },
    });
  }

  private product(
    a: Padded,
    b: Padded,
    product: Padded,
    {
      rows,
      ...of
    }: Pick<ProductParameters, 'aRowBytes' | 'aDepthBytes' | 'depth'> & { readonly rows: number },
  ): void {
    product.values.fill(0);
    for (let start = 0; start < of.depth; start += DEPTH_BLOCK) {
      const parameters: ProductParameters = {
        ...of,
        depth: Math.min(DEPTH_BLOCK, of.depth - start),
        a: a.values.byteOffset + start * of.aDepthBytes,
        b: b.values.byteOffset + start * FLOAT_BYTES * b.columns,
        product: product.values.byteOffset,
        bDepthBytes: FLOAT_BYTES * b.columns,
        productRowBytes: FLOAT_BYTES * product.columns,
        rowTiles: rows / TILE_ROWS,
        columnTiles: b.columns / TILE_COLUMNS,
      };
      this.run(...PRODUCT_PARAMETERS.map((name) => parameters[name]));
    }
  }

  private matrix(startFloat: number, rows: number, columns: number): Padded {
    const values = new Float32Array(this.memory.buffer, FLOAT_BYTES * startFloat, rows * columns);
    return { values, rows, columns };
  }
}
