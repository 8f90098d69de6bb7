/**
 * The transforms of Winograd's minimal filtering F(4x4, 3x3) with the points 0, 1, -1, 2, -2, infinity
 * (Lavin & Gray, arXiv:1509.09308, section 4.3), and their transposes for the gradients.
 *
 *   forward          Y  = At [(G g Gt) . (Bt d B)] A          d: 6x6 input tile, Y: 4x4 outputs
 *   weight gradient  dg = Gt [sum over tiles (Bt d B) . (A dY At)] G
 *   input gradient   dd = B [(G g Gt) . (A dY At)] Bt         added where 6x6 tiles overlap
 *
 * Each is a 1-D transform applied to the columns and then to the rows of a tile, four channels at a time; the tile
 * between the two lies in the first bytes of the arena, since it does not fit in registers. A position (one of 36) of the
 * transform domain is a matrix (tiles, channels); consecutive positions lie `positionStride` apart.
 */

import type { Arithmetic } from '../arithmetic.js';
import {
  addVectors,
  constant,
  load,
  multiplyVectors,
  negateVector,
  subtractVectors,
  vector,
} from '../wasm/expressions.js';
import type { V128 } from '../wasm/expressions.js';
import type { FunctionBuilder, Local } from '../wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import { columnBlocks, FLOAT_BYTES, VECTOR, VECTOR_BYTES } from './products.js';
import { stridesOf } from './shapes.js';
import type { MapShape } from './shapes.js';

export const TILE = 4; // outputs a side
export const POSITIONS = 36;
const POINTS = 6; // inputs a side
const TAPS = 3;
const OVERLAP = POINTS - TILE; // inputs that a tile shares with the next

/** Bytes at the start of the arena that the transforms use between their two halves. */
export const TRANSFORM_SCRATCH_BYTES = POSITIONS * VECTOR_BYTES;

/** Keeps the 36 positions of a tile out of one cache set: a power of two would put them all there. */
const POSITION_SKEW_BYTES = 64;

export const positionStride = (floatCount: number): number => floatCount * FLOAT_BYTES + POSITION_SKEW_BYTES;

/** A matrix times a vector of operands, each used by handle. */
type Transform = (f: FunctionBuilder, m: Arithmetic, x: readonly V128[]) => readonly V128[];

const MINUS_FIVE = vector(-5);
const MINUS_FOUR = vector(-4);
const MINUS_TWO = vector(-2);
const TWO = vector(2);
const FOUR = vector(4);
const EIGHT = vector(8);

/** Bt, 6 -> 6. */
const inputTransform: Transform = (f, m, [d0, d1, d2, d3, d4, d5]) => {
  const even = f.variable(m.multiplyAdd(d2!, MINUS_FOUR, d4!));
  const odd = f.variable(m.multiplyAdd(d1!, MINUS_FOUR, d3!));
  const even2 = f.variable(subtractVectors(d4!, d2!));
  const odd2 = f.variable(subtractVectors(d3!, d1!));
  return [
    m.multiplyAdd(d0!, FOUR, m.multiplyAdd(d2!, MINUS_FIVE, d4!)),
    addVectors(even, odd),
    subtractVectors(even, odd),
    m.multiplyAdd(odd2, TWO, even2),
    m.multiplyAdd(odd2, MINUS_TWO, even2),
    m.multiplyAdd(d1!, FOUR, m.multiplyAdd(d3!, MINUS_FIVE, d5!)),
  ];
};

/** B, 6 -> 6. */
const inputTransposed: Transform = (f, m, [v0, v1, v2, v3, v4, v5]) => {
  const sum12 = f.variable(addVectors(v1!, v2!));
  const difference12 = f.variable(subtractVectors(v1!, v2!));
  const sum34 = f.variable(addVectors(v3!, v4!));
  const difference34 = f.variable(subtractVectors(v3!, v4!));
  const outer = subtractVectors(v5!, difference12);
  return [
    multiplyVectors(v0!, FOUR),
    m.multiplyAdd(outer, FOUR, multiplyVectors(difference34, MINUS_TWO)),
    m.multiplyAdd(sum12, MINUS_FOUR, m.multiplyAdd(v0!, MINUS_FIVE, negateVector(sum34))),
    m.multiplyAdd(v5!, MINUS_FIVE, m.multiplyAdd(difference34, TWO, difference12)),
    addVectors(v0!, addVectors(sum12, sum34)),
    v5!,
  ];
};

/** At, 6 -> 4. */
const outputTransform: Transform = (f, m, [v0, v1, v2, v3, v4, v5]) => {
  const sum12 = f.variable(addVectors(v1!, v2!));
  const difference12 = f.variable(subtractVectors(v1!, v2!));
  const sum34 = f.variable(addVectors(v3!, v4!));
  const difference34 = f.variable(subtractVectors(v3!, v4!));
  return [
    addVectors(v0!, addVectors(sum12, sum34)),
    m.multiplyAdd(difference34, TWO, difference12),
    m.multiplyAdd(sum34, FOUR, sum12),
    m.multiplyAdd(difference34, EIGHT, addVectors(difference12, v5!)),
  ];
};

/** A, 4 -> 6. */
const outputTransposed: Transform = (f, m, [y0, y1, y2, y3]) => {
  const even = f.variable(addVectors(y0!, y2!));
  const odd = f.variable(addVectors(y1!, y3!));
  const even2 = f.variable(m.multiplyAdd(y2!, FOUR, y0!));
  const odd2 = f.variable(m.multiplyAdd(y3!, FOUR, y1!));
  return [
    y0!,
    addVectors(even, odd),
    subtractVectors(even, odd),
    m.multiplyAdd(odd2, TWO, even2),
    m.multiplyAdd(odd2, MINUS_TWO, even2),
    y3!,
  ];
};

/** G, 3 -> 6. */
const weightTransform: Transform = (f, m, [g0, g1, g2]) => {
  const outer = f.variable(multiplyVectors(addVectors(g0!, g2!), vector(-1 / 6)));
  const middle = f.variable(multiplyVectors(g1!, vector(1 / 6)));
  const outer2 = f.variable(m.multiplyAdd(g0!, vector(1 / 24), multiplyVectors(g2!, vector(1 / 6))));
  const middle2 = f.variable(multiplyVectors(g1!, vector(1 / 12)));
  return [
    multiplyVectors(g0!, vector(1 / 4)),
    subtractVectors(outer, middle),
    addVectors(outer, middle),
    addVectors(outer2, middle2),
    subtractVectors(outer2, middle2),
    g2!,
  ];
};

/** Gt, 6 -> 3. */
const weightTransposed: Transform = (f, m, [v0, v1, v2, v3, v4, v5]) => {
  const sum12 = f.variable(multiplyVectors(addVectors(v1!, v2!), vector(-1 / 6)));
  const difference21 = subtractVectors(v2!, v1!);
  const sum34 = f.variable(addVectors(v3!, v4!));
  const difference34 = subtractVectors(v3!, v4!);
  return [
    m.multiplyAdd(sum34, vector(1 / 24), m.multiplyAdd(v0!, vector(1 / 4), sum12)),
    m.multiplyAdd(difference34, vector(1 / 12), multiplyVectors(difference21, vector(1 / 6))),
    addVectors(m.multiplyAdd(sum34, vector(1 / 6), sum12), v5!),
  ];
};

/** Applies `transform` (from -> to) to the columns, then the rows, of a from x from tile: to x to results. */
function transformTile(
  f: FunctionBuilder,
  arithmetic: Arithmetic,
  transform: Transform,
  from: number,
  to: number,
  read: (row: number, column: number) => V128,
  write: (row: number, column: number, value: V128) => void,
): void {
  const scratch = constant(0);
  const slot = (row: number, column: number): number => (row * POINTS + column) * VECTOR_BYTES;
  const range = Array.from({ length: from }, (_, index) => index);
  for (const column of range) {
    const operands = range.map((row) => f.variable(read(row, column)));
    const results = transform(f, arithmetic, operands);
    results.forEach((value, row) => f.store(scratch, value, slot(row, column)));
  }
  for (let row = 0; row < to; row++) {
    const operands = range.map((column) => f.variable(load(scratch, slot(row, column))));
    const results = transform(f, arithmetic, operands);
    results.forEach((value, column) => write(row, column, value));
  }
}

/** What the activation transforms are specialised for. Height and width are multiples of 4. */
export interface TransformShape {
  readonly map: MapShape;
  /** Bytes between positions in the transform domain. */
  readonly positionStride: number;
}

interface TileAccess {
  readonly read: (row: number, column: number) => V128;
  readonly write: (row: number, column: number, value: V128) => void;
}

/** Whether a tile is the first of its rows, or row of tiles the first of its image. */
interface TilePlace {
  readonly isFirstRow: boolean;
  readonly isFirstColumn: boolean;
}

interface TileWalk {
  readonly padded: boolean;
  /** Emit first rows and columns of tiles apart from the others. */
  readonly firstApart: boolean;
  readonly body: (pixel: TileAccess, domain: TileAccess, place: TilePlace) => void;
}

/**
 * Visits the tiles of images, and in each tile four channels at a time.
 * Parameters of the kernel: images, transform domain, image count.
 */
function forEachTile(f: FunctionBuilder, { map, positionStride }: TransformShape, walk: TileWalk): void {
  const strides = stridesOf(map, walk.padded);
  const image = f.variable(f.parameter(0));
  const domain = f.variable(f.parameter(1));
  const pixelOffset = (row: number, column: number): number => row * strides.row + column * strides.pixel;
  const domainOffset = (row: number, column: number): number => (row * POINTS + column) * positionStride;
  const access = (pointer: Local<'i32'>, offset: (row: number, column: number) => number): TileAccess => ({
    read: (row, column) => load(pointer, offset(row, column)),
    write: (row, column, value) => f.store(pointer, value, offset(row, column)),
  });
  const repeatApart = (count: number, body: (isFirst: boolean) => void): void => {
    if (walk.firstApart) body(true);
    const rest = walk.firstApart ? count - 1 : count;
    if (rest > 0) f.repeat(rest, () => body(false));
  };
  f.repeat(f.parameter(2), () => {
    const tileRow = f.variable(image);
    repeatApart(map.height / TILE, (isFirstRow) => {
      const pixel = f.variable(tileRow);
      repeatApart(map.width / TILE, (isFirstColumn) => {
        f.repeat(map.channels / VECTOR, () => {
          const place = { isFirstRow, isFirstColumn };
          walk.body(access(pixel, pixelOffset), access(domain, domainOffset), place);
          f.advance(pixel, VECTOR_BYTES);
          f.advance(domain, VECTOR_BYTES);
        });
        f.advance(pixel, (TILE - 1) * strides.pixel);
      });
      f.advance(tileRow, TILE * strides.row);
    });
    f.advance(image, strides.image);
  });
}

/** V = Bt d B of the tiles of padded images. Parameters: padded images, V, image count. */
export const emitInputTransform =
  (shape: TransformShape): KernelEmitter =>
  (f, arithmetic) =>
    forEachTile(f, shape, {
      padded: true,
      firstApart: false,
      body: (pixel, domain) =>
        transformTile(f, arithmetic, inputTransform, POINTS, POINTS, pixel.read, domain.write),
    });

/** Y = At M A. Parameters: plain images (written), M, image count. */
export const emitOutputTransform =
  (shape: TransformShape): KernelEmitter =>
  (f, arithmetic) =>
    forEachTile(f, shape, {
      padded: false,
      firstApart: false,
      body: (pixel, domain) =>
        transformTile(f, arithmetic, outputTransform, POINTS, TILE, domain.read, pixel.write),
    });

/** A dY At. Parameters: dY (plain images), transform domain (written), image count. */
export const emitOutputTransposed =
  (shape: TransformShape): KernelEmitter =>
  (f, arithmetic) =>
    forEachTile(f, shape, {
      padded: false,
      firstApart: false,
      body: (pixel, domain) =>
        transformTile(f, arithmetic, outputTransposed, TILE, POINTS, pixel.read, domain.write),
    });

/**
 * dd = the sum of B X Bt over the tiles that overlap in a pixel. A tile adds to what the tiles above and to the left have
 * written; what it is the first to reach, it writes. Parameters: padded images (written), X, image count.
 */
export const emitInputTransposed =
  (shape: TransformShape): KernelEmitter =>
  (f, arithmetic) =>
    forEachTile(f, shape, {
      padded: true,
      firstApart: true,
      body: (pixel, domain, { isFirstRow, isFirstColumn }) =>
        transformTile(f, arithmetic, inputTransposed, POINTS, POINTS, domain.read, (row, column, value) => {
          const isReached = (!isFirstRow && row < OVERLAP) || (!isFirstColumn && column < OVERLAP);
          pixel.write(row, column, isReached ? addVectors(pixel.read(row, column), value) : value);
        }),
    });

/** A (rows, columns) matrix for each of the 9 taps or 36 positions. Both are multiples of 4. */
export interface WeightShape {
  readonly rows: number;
  readonly columns: number;
}

export const weightPositionStride = ({ rows, columns }: WeightShape): number =>
  positionStride(rows * columns);

/** U = G g Gt, packed by column blocks. Parameters: weights (3, 3, rows, columns), U. */
export const emitWeightTransform =
  (shape: WeightShape): KernelEmitter =>
  (f, arithmetic) => {
    const source = f.variable(f.parameter(0));
    const packed = f.variable(f.parameter(1));
    const tapBytes = shape.rows * shape.columns * FLOAT_BYTES;
    for (const { width, count } of columnBlocks(shape.columns)) {
      f.repeat(count, () => {
        const row = f.variable(source);
        f.repeat(shape.rows, () => {
          for (let offset = 0; offset < width * FLOAT_BYTES; offset += VECTOR_BYTES) {
            transformTile(
              f,
              arithmetic,
              weightTransform,
              TAPS,
              POINTS,
              (y, x) => load(row, (y * TAPS + x) * tapBytes + offset),
              (y, x, value) =>
                f.store(packed, value, (y * POINTS + x) * weightPositionStride(shape) + offset),
            );
          }
          f.advance(row, shape.columns * FLOAT_BYTES);
          f.advance(packed, width * FLOAT_BYTES);
        });
        f.advance(source, width * FLOAT_BYTES);
      });
    }
  };

/** dg = Gt U G, both in (rows, columns) order. Parameters: U, weights' gradient (written). */
export const emitWeightTransposed =
  (shape: WeightShape): KernelEmitter =>
  (f, arithmetic) => {
    const domain = f.variable(f.parameter(0));
    const gradient = f.variable(f.parameter(1));
    const tapBytes = shape.rows * shape.columns * FLOAT_BYTES;
    f.repeat((shape.rows * shape.columns) / VECTOR, () => {
      transformTile(
        f,
        arithmetic,
        weightTransposed,
        POINTS,
        TAPS,
        (y, x) => load(domain, (y * POINTS + x) * weightPositionStride(shape)),
        (y, x, value) => f.store(gradient, value, (y * TAPS + x) * tapBytes),
      );
      f.advance(domain, VECTOR_BYTES);
      f.advance(gradient, VECTOR_BYTES);
    });
  };
