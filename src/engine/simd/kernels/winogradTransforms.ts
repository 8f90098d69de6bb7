/**
 * The 2-D transforms of a Winograd scheme over images and weights, four channels at a time. Between the two 1-D passes
 * the tile is in the first bytes of the arena, because it does not fit in registers. A position of the transform domain is a
 * matrix (tiles, channels); consecutive positions are `positionStride` apart.
 */

import type { Arithmetic } from '../arithmetic.js';
import { addVectors, constant, load, vector } from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import { columnBlocks, FLOAT_BYTES, VECTOR, VECTOR_BYTES } from './products.js';
import { stridesOf, TILE } from './shapes.js';
import type { MapShape } from './shapes.js';
import { MOST_POINTS, TAPS } from './winogradScheme.js';
import type { Transform, WinogradScheme } from './winogradScheme.js';

/** Bytes at the start of the arena that the transforms use between their two halves. */
export const TRANSFORM_SCRATCH_BYTES = MOST_POINTS * MOST_POINTS * VECTOR_BYTES;

/** With a power of two between positions, all of them would fall into one cache set. */
const POSITION_SKEW_BYTES = 64;

export const positionStride = (matrixBytes: number): number => matrixBytes + POSITION_SKEW_BYTES;

/** Tiles a multiple of this apart fall into few cache sets, and push each other out. */
const PITCH_TO_SKEW_BYTES = 256;

/** Bytes between tiles at one position of the transform domain. */
export function tilePitch(channels: number): number {
  const bytes = channels * FLOAT_BYTES;
  return bytes % PITCH_TO_SKEW_BYTES === 0 ? bytes + POSITION_SKEW_BYTES : bytes;
}

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
  const slot = (row: number, column: number): number => (row * MOST_POINTS + column) * VECTOR_BYTES;
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

/** What the activation transforms are made for. The last tiles may reach beyond the map. */
export interface TransformShape {
  readonly scheme: WinogradScheme;
  readonly map: MapShape;
  /** Tiles along the sides of an image. */
  readonly grid: { readonly rows: number; readonly columns: number };
  /** Bytes between positions in the transform domain. */
  readonly positionStride: number;
  /** Outputs before the first pixel of the output map, along each side: computed, and left out. */
  readonly cut: number;
}

interface TileAccess {
  readonly read: (row: number, column: number) => V128;
  readonly write: (row: number, column: number, value: V128) => void;
}

/** Which tiles of a row, and which rows of tiles of an image, the code is for. */
interface TilePlace {
  readonly isFirstRow: boolean;
  readonly isFirstColumn: boolean;
  readonly isLastRow: boolean;
  readonly isLastColumn: boolean;
}

interface TileWalk {
  /** Inputs are padded images, outputs are plain ones. */
  readonly side: 'inputs' | 'outputs';
  /** Generate separate code for the first, or the last, rows and columns of tiles, or for both. */
  readonly apart: 'none' | 'first' | 'last' | 'ends';
  readonly body: (pixel: TileAccess, domain: TileAccess, place: TilePlace) => void;
}

/**
 * Visits the tiles of images, and in each tile four channels at a time.
 * Parameters of the kernel: images, transform domain, image count.
 */
function forEachTile(f: FunctionBuilder, shape: TransformShape, walk: TileWalk): void {
  const { scheme, map, grid, positionStride } = shape;
  const cut = walk.side === 'outputs' ? shape.cut : 0;
  const step = walk.side === 'inputs' ? TILE * scheme.stride : TILE; // pixels from tile to tile
  const strides = stridesOf(map, walk.side === 'inputs');
  const image = f.variable(f.parameter(0));
  const domain = f.variable(f.parameter(1));
  const pixelOffset = (row: number, column: number): number => row * strides.row + column * strides.pixel;
  const domainOffset = (row: number, column: number): number =>
    (row * scheme.points + column) * positionStride;
  const access = (pointer: Local<'i32'>, offset: (row: number, column: number) => number): TileAccess => ({
    read: (row, column) => load(pointer, offset(row, column)),
    write: (row, column, value) => f.store(pointer, value, offset(row, column)),
  });
  const repeatApart = (count: number, body: (isFirst: boolean, isLast: boolean) => void): void => {
    const isFirstApart = walk.apart === 'first' || walk.apart === 'ends';
    const isLastApart = walk.apart === 'last' || walk.apart === 'ends';
    if (isFirstApart && isLastApart && count === 1) return body(true, true);
    if (isFirstApart) body(true, false);
    const rest = count - Number(isFirstApart) - Number(isLastApart);
    if (rest > 0) f.repeat(rest, () => body(false, false));
    if (isLastApart) body(false, true);
  };
  f.repeat(f.parameter(2), () => {
    const tileRow = f.variable(image);
    repeatApart(grid.rows, (isFirstRow, isLastRow) => {
      const pixel = f.variable(tileRow);
      const rowsCut = isFirstRow ? cut : 0;
      repeatApart(grid.columns, (isFirstColumn, isLastColumn) => {
        const columnsCut = isFirstColumn ? cut : 0;
        const offset = (row: number, column: number): number =>
          pixelOffset(row - rowsCut, column - columnsCut);
        f.repeat(map.channels / VECTOR, () => {
          const place = { isFirstRow, isFirstColumn, isLastRow, isLastColumn };
          walk.body(access(pixel, offset), access(domain, domainOffset), place);
          f.advance(pixel, VECTOR_BYTES);
          f.advance(domain, VECTOR_BYTES);
        });
        f.advance(pixel, (step - columnsCut - 1) * strides.pixel);
        f.advance(domain, tilePitch(map.channels) - map.channels * FLOAT_BYTES);
      });
      f.advance(tileRow, (step - rowsCut) * strides.row);
    });
    f.advance(image, strides.image);
  });
}

interface TileTransform {
  readonly side: TileWalk['side'];
  readonly transform: Transform;
  /** Points along one side, before and after. */
  readonly from: number;
  readonly to: number;
  readonly into: 'domain' | 'pixels';
}

/** Transforms every tile separately. */
const emitTileTransform =
  (shape: TransformShape, of: (scheme: WinogradScheme) => TileTransform): KernelEmitter =>
  (f, arithmetic) => {
    const { side, transform, from, to, into } = of(shape.scheme);
    const { map, grid, cut } = shape;
    const isWhole = map.height === grid.rows * TILE && map.width === grid.columns * TILE;
    const apart = cut > 0 ? 'ends' : isWhole ? 'none' : 'last';
    forEachTile(f, shape, {
      side,
      apart: side === 'inputs' ? 'none' : apart, // padded inputs reach as far as tiles do
      body: (pixel, domain, place) => {
        const pixels = side === 'inputs' ? pixel : within(shape, place, pixel);
        const [source, target] = into === 'domain' ? [pixels, domain] : [domain, pixels];
        transformTile(f, arithmetic, transform, from, to, source.read, target.write);
      },
    });
  };

/** The pixels of a tile that are in the image: others read as zero, and are not written. */
function within({ map, grid, cut }: TransformShape, place: TilePlace, pixel: TileAccess): TileAccess {
  const rows = place.isLastRow ? map.height + cut - (grid.rows - 1) * TILE : TILE;
  const columns = place.isLastColumn ? map.width + cut - (grid.columns - 1) * TILE : TILE;
  const [rowsCut, columnsCut] = [place.isFirstRow ? cut : 0, place.isFirstColumn ? cut : 0];
  const isInside = (row: number, column: number): boolean =>
    row >= rowsCut && row < rows && column >= columnsCut && column < columns;
  return {
    read: (row, column) => (isInside(row, column) ? pixel.read(row, column) : vector(0)),
    write: (row, column, value) => {
      if (isInside(row, column)) pixel.write(row, column, value);
    },
  };
}

/** V = Bt d B of the tiles of padded images. Parameters: padded images, V (written), image count. */
export const emitInputTransform = (shape: TransformShape): KernelEmitter =>
  emitTileTransform(shape, ({ input, points }) => ({
    side: 'inputs',
    transform: input,
    from: points,
    to: points,
    into: 'domain',
  }));

/** Y = At M A. Parameters: plain images (written), M, image count. */
export const emitOutputTransform = (shape: TransformShape): KernelEmitter =>
  emitTileTransform(shape, ({ output, points }) => ({
    side: 'outputs',
    transform: output,
    from: points,
    to: TILE,
    into: 'pixels',
  }));

/** A dY At. Parameters: dY (plain images), transform domain (written), image count. */
export const emitOutputTransposed = (shape: TransformShape): KernelEmitter =>
  emitTileTransform(shape, ({ outputTransposed, points }) => ({
    side: 'outputs',
    transform: outputTransposed,
    from: TILE,
    to: points,
    into: 'domain',
  }));

/**
 * dd = the sum of B X Bt over the tiles that overlap in a pixel. A tile adds to the pixels that the tiles above and to the
 * left have written, and writes the pixels that it is the first to reach. Parameters: padded images (written), X, image
 * count.
 */
export const emitInputTransposed =
  (shape: TransformShape): KernelEmitter =>
  (f, arithmetic) => {
    const { points, stride, inputTransposed } = shape.scheme;
    const overlap = points - TILE * stride; // inputs that a tile shares with the next
    forEachTile(f, shape, {
      side: 'inputs',
      apart: 'first',
      body: (pixel, domain, { isFirstRow, isFirstColumn }) =>
        transformTile(f, arithmetic, inputTransposed, points, points, domain.read, (row, column, value) => {
          const isReached = (!isFirstRow && row < overlap) || (!isFirstColumn && column < overlap);
          pixel.write(row, column, isReached ? addVectors(pixel.read(row, column), value) : value);
        }),
    });
  };

/** A (rows, columns) matrix for each tap or position. Both are multiples of 4. */
export interface WeightShape {
  readonly rows: number;
  readonly columns: number;
}

export const weightPositionStride = ({ rows, columns }: WeightShape): number =>
  positionStride(rows * columns * FLOAT_BYTES);

/** U = G g Gt, packed by column blocks. Parameters: weights (3, 3, rows, columns), U. */
export const emitWeightTransform =
  (scheme: WinogradScheme, shape: WeightShape): KernelEmitter =>
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
              scheme.weight,
              TAPS,
              scheme.points,
              (y, x) => load(row, (y * TAPS + x) * tapBytes + offset),
              (y, x, value) =>
                f.store(packed, value, (y * scheme.points + x) * weightPositionStride(shape) + offset),
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
  (scheme: WinogradScheme, shape: WeightShape): KernelEmitter =>
  (f, arithmetic) => {
    const domain = f.variable(f.parameter(0));
    const gradient = f.variable(f.parameter(1));
    const tapBytes = shape.rows * shape.columns * FLOAT_BYTES;
    f.repeat((shape.rows * shape.columns) / VECTOR, () => {
      transformTile(
        f,
        arithmetic,
        scheme.weightTransposed,
        scheme.points,
        TAPS,
        (y, x) => load(domain, (y * scheme.points + x) * weightPositionStride(shape)),
        (y, x, value) => f.store(gradient, value, (y * TAPS + x) * tapBytes),
      );
      f.advance(domain, VECTOR_BYTES);
      f.advance(gradient, VECTOR_BYTES);
    });
  };
