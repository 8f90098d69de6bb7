/**
 * How a convolution is divided into workgroups. A workgroup computes a rectangle of pixels by a block of output channels of
 * one image. A thread computes a strip of pixels in one row by one or more quads of channels. Input (with its border) and
 * filter are in workgroup memory, a few input channels at a time.
 */

import type { ActivationShape, ConvolutionLayer } from '../../../model/index.js';
import { GUARANTEED_LIMITS } from './limits.js';
import type { WorkgroupLimits } from './limits.js';
import { quadsOf, shapeText } from './shapes.js';
import type { Tiling } from './shapes.js';

const MOST_ROWS = 8; // rows of a tile: with an odd pitch, eight rows of one column lie in eight different banks
const MOST_COLUMNS = 16;
/** With fewer threads than this, shorter strips are better: a GPU has tens of thousands of lanes to keep busy. */
const ENOUGH_THREADS = 65_536;
/** Channel blocks are made smaller until there are this many workgroups, since a GPU has about a hundred cores. */
const ENOUGH_WORKGROUPS = 256;
const SMALLEST_BLOCK = 4; // in quads: below this, loading takes longer than computing

/** In rows and columns. */
export type Border = 0 | 1;

export function borderOf({ kernelSize, padding }: ConvolutionLayer): Border {
  // Smaller filters are laid into nine taps, from the middle on: they begin at the first pixel either way.
  return kernelSize === 3 && padding === 'valid' ? 0 : 1;
}

export type ConvolutionKind = 'forward' | 'gradient';

export interface ConvolutionSize {
  readonly kind: ConvolutionKind;
  readonly stride: 1 | 2;
  /** Of zeros before the layer's first pixel: 1, or 0 where all windows lie within the map. */
  readonly border: Border;
  readonly imageCount: number;
  /** Of what is read. */
  readonly input: ActivationShape;
  /** Of what is written. */
  readonly output: ActivationShape;
}

/** What can be chosen. */
export interface ConvolutionTileChoice {
  /** Pixels of a thread. */
  readonly strip: number;
  readonly rows: number;
  readonly columns: number;
  /** Output channels of a workgroup, input channels loaded at a time, and output channels of a thread, in quads. */
  readonly blockQuads: number;
  readonly chunkQuads: number;
  readonly quadsPerThread: number;
  /** Whether the next input channels are fetched during the computation: hides latency, takes registers. */
  readonly isAhead?: boolean;
}

export interface ConvolutionTile extends ConvolutionTileChoice {
  readonly inputRows: number;
  readonly inputColumns: number;
  /** Vectors from a row of the loaded input to the next. */
  readonly pitch: number;
  readonly strips: number;
  /** Threads that share a strip, each with different channels. */
  readonly lanes: number;
  readonly threads: number;
  /** Tiles of an image, across and in total. */
  readonly tilesAcross: number;
  readonly tilesPerImage: number;
}

/** Identifies this size within a network, for measured choices. */
export function convolutionKey({ kind, stride, imageCount, input, output }: ConvolutionSize): string {
  return `${kind} ${shapeText(input)} ${shapeText(output)} stride ${stride} images ${imageCount}`;
}

/**
 * The tile to use if none was measured, within the limits of every device.
 * @param enoughThreads smaller in tests, to make small problems look large
 */
export function usualConvolutionTile(size: ConvolutionSize, enoughThreads = ENOUGH_THREADS): ConvolutionTile {
  const { output, imageCount } = size;
  const threads = (strip: number): number =>
    imageCount * output.height * Math.ceil(output.width / strip) * quadsOf(output);
  const strip = output.width >= 8 && threads(8) >= enoughThreads ? 8 : 4;
  const columns = columnsOf(size, strip, MOST_COLUMNS);
  const rows = rowsOf(size, MOST_ROWS);
  const blocks = [8, 7, 6, 5, 4, 3, 2, 1].filter((quads) => quadsOf(output) % quads === 0);
  const tiles = [columns, Math.min(columns, 8)].flatMap((width) =>
    [2, 1].flatMap((chunkQuads) =>
      blocks.map((blockQuads) =>
        tileOf(size, { strip, rows, columns: width, blockQuads, chunkQuads, quadsPerThread: 1 }),
      ),
    ),
  );
  const fitting = tiles.filter(
    (tile) => quadsOf(size.input) % tile.chunkQuads === 0 && vectorsOf(tile) <= GUARANTEED_LIMITS.vectors,
  );
  const workgroups = (tile: ConvolutionTile): number =>
    (tile.tilesPerImage * imageCount * quadsOf(output)) / tile.blockQuads;
  return (
    fitting.find(
      (tile) =>
        tile.threads <= GUARANTEED_LIMITS.threads &&
        (workgroups(tile) >= ENOUGH_WORKGROUPS || tile.blockQuads <= SMALLEST_BLOCK),
    ) ?? fitting[fitting.length - 1]!
  );
}

/** The tiles that are worth measuring, within a device's limits; the usual one is the first. */
export function convolutionTileCandidates(size: ConvolutionSize, limits: WorkgroupLimits): ConvolutionTile[] {
  const usual = usualConvolutionTile(size);
  const tiles = new Map([[tileName(usual), usual]]);
  for (const choice of choices(size)) {
    const tile = tileOf(size, choice);
    if (isWorthMeasuring(tile, limits)) tiles.set(tileName(tile), tile);
  }
  return [...tiles.values()];
}

const SMALLEST_WORKGROUP = 32;

function isWorthMeasuring(tile: ConvolutionTile, limits: WorkgroupLimits): boolean {
  return (
    vectorsOf(tile) <= limits.vectors && tile.threads <= limits.threads && tile.threads >= SMALLEST_WORKGROUP
  );
}

function* choices(size: ConvolutionSize): Generator<ConvolutionTileChoice> {
  const { input, output } = size;
  const dividing = (quads: number, most: readonly number[]): number[] =>
    most.filter((count) => quads % count === 0);
  for (const strip of [16, 8, 4].filter((length) => length === 4 || length <= output.width)) {
    for (const blockQuads of dividing(quadsOf(output), [16, 8, 4, 2])) {
      for (const quadsPerThread of dividing(blockQuads, [1, 2, 4])) {
        for (const chunkQuads of dividing(quadsOf(input), [4, 2, 1])) {
          for (const mostRows of [8, 4]) {
            for (const mostColumns of [32, 16, 8].filter((columns) => columns >= strip)) {
              const [rows, columns] = [rowsOf(size, mostRows), columnsOf(size, strip, mostColumns)];
              const choice = { strip, rows, columns, blockQuads, chunkQuads, quadsPerThread };
              yield choice;
              yield { ...choice, isAhead: true };
            }
          }
        }
      }
    }
  }
}

/** Identifies a choice in results of measurements. */
export function tileName({ strip, rows, columns, isAhead, ...quads }: ConvolutionTileChoice): string {
  const { blockQuads, chunkQuads, quadsPerThread } = quads;
  const ahead = isAhead === true ? ' ahead' : '';
  return `${rows}x${columns} strip ${strip} block ${blockQuads} chunk ${chunkQuads} thread ${quadsPerThread}${ahead}`;
}

const isDilated = ({ kind, stride }: ConvolutionSize): boolean => kind === 'gradient' && stride === 2;

function rowsOf(size: ConvolutionSize, most: number): number {
  const { height } = size.output;
  return Math.min(most, isDilated(size) ? Math.ceil(height / 2) * 2 : height);
}

const columnsOf = ({ output }: ConvolutionSize, strip: number, most: number): number =>
  Math.min(most, Math.ceil(output.width / strip) * strip);

function tileOf(size: ConvolutionSize, choice: ConvolutionTileChoice): ConvolutionTile {
  const { output, stride } = size;
  const { strip, rows, columns, blockQuads, quadsPerThread } = choice;
  const span = (length: number): number => {
    if (isDilated(size)) return length / 2 + 1;
    return (length - 1) * (size.kind === 'forward' ? stride : 1) + 3;
  };
  const strips = (rows * columns) / strip;
  const lanes = blockQuads / quadsPerThread;
  const tilesAcross = Math.ceil(output.width / columns);
  return {
    ...choice,
    inputRows: span(rows),
    inputColumns: span(columns),
    pitch: span(columns) | 1,
    strips,
    lanes,
    threads: strips * lanes,
    tilesAcross,
    tilesPerImage: tilesAcross * Math.ceil(output.height / rows),
  };
}

/** Workgroup memory: input, filter, and one vector per thread to sum by channel. */
function vectorsOf(tile: ConvolutionTile): number {
  const { chunkQuads, blockQuads, inputRows, pitch, threads, lanes } = tile;
  return chunkQuads * inputRows * pitch + 36 * chunkQuads * blockQuads + threads + lanes;
}

export function tilingOf(size: ConvolutionSize, tile: ConvolutionTile): Tiling {
  return {
    tileCount: size.imageCount * tile.tilesPerImage,
    tuningKey: convolutionKey(size),
    pixelsOf: (index) => `(${pixelsOfOneImage(index, tile, size.output)})`,
  };
}

type TilesOfImage = Pick<ConvolutionTile, 'rows' | 'columns' | 'tilesAcross' | 'tilesPerImage'>;

/** WGSL: pixels of tile `index` inside the image, height times width. */
export function pixelsOfOneImage(index: string, tile: TilesOfImage, output: ActivationShape): string {
  const { tilesAcross, tilesPerImage, rows, columns } = tile;
  const inImage = `(${index} % ${tilesPerImage}u)`;
  const height = `min(${rows}u, ${output.height}u - ${inImage} / ${tilesAcross}u * ${rows}u)`;
  const width = `min(${columns}u, ${output.width}u - ${inImage} % ${tilesAcross}u * ${columns}u)`;
  return `${height} * ${width}`;
}
