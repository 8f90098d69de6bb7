/**
 * How a convolution is cut into workgroups. A workgroup computes a rectangle of pixels by a block of output channels of
 * one image; a thread, a strip of pixels in one row by four channels. Input (with its border) and filter lie in
 * workgroup memory, a few input channels at a time.
 */

import type { ActivationShape } from '../../../model/index.js';
import { quadsOf } from './shapes.js';
import type { Tiling } from './shapes.js';

/** What every WebGPU device has: 16 KiB of workgroup memory, in vectors of 16 bytes, and 256 threads. */
const WORKGROUP_VECTORS = 1024;
const WORKGROUP_THREADS = 256;
const MOST_ROWS = 8; // rows of a tile: with an odd pitch, eight rows of one column lie in eight different banks
const MOST_COLUMNS = 16;
/** With fewer threads than this, shorter strips are better: a GPU has tens of thousands of lanes to fill. */
const ENOUGH_THREADS = 65_536;
/** Channel blocks are cut smaller until there are so many workgroups, since a GPU has some hundred cores. */
const ENOUGH_WORKGROUPS = 256;
const SMALLEST_BLOCK = 4; // in quads: below, more time goes into loading than computing

export type ConvolutionKind = 'forward' | 'gradient';

export interface ConvolutionSize {
  readonly kind: ConvolutionKind;
  readonly stride: 1 | 2;
  readonly imageCount: number;
  /** Of what is read. */
  readonly input: ActivationShape;
  /** Of what is written. */
  readonly output: ActivationShape;
}

export interface ConvolutionTile {
  /** Pixels of a thread. */
  readonly strip: number;
  readonly rows: number;
  readonly columns: number;
  /** Output channels of a workgroup, and input channels loaded at a time, in quads. */
  readonly blockQuads: number;
  readonly chunkQuads: number;
  readonly inputRows: number;
  readonly inputColumns: number;
  /** Vectors from a row of the loaded input to the next. */
  readonly pitch: number;
  readonly strips: number;
  readonly threads: number;
  /** Tiles of an image, across and in all. */
  readonly tilesAcross: number;
  readonly tilesPerImage: number;
}

/** @param enoughThreads smaller in tests, to make small problems look large */
export function tileOf(size: ConvolutionSize, enoughThreads = ENOUGH_THREADS): ConvolutionTile {
  const { output, imageCount } = size;
  const threads = (strip: number): number =>
    imageCount * output.height * Math.ceil(output.width / strip) * quadsOf(output);
  const strip = output.width >= 8 && threads(8) >= enoughThreads ? 8 : 4;
  const isDilated = size.kind === 'gradient' && size.stride === 2;
  const evenUp = (rows: number): number => (isDilated ? Math.ceil(rows / 2) * 2 : rows);
  const columns = Math.min(MOST_COLUMNS, Math.ceil(output.width / strip) * strip);
  const rows = Math.min(MOST_ROWS, evenUp(output.height));
  const candidates = [columns, Math.min(columns, 8)].flatMap((width) =>
    [2, 1].flatMap((chunkQuads) => blocks(size).map((blockQuads) => ({ width, chunkQuads, blockQuads }))),
  );
  const tiles = candidates
    .filter(({ chunkQuads }) => quadsOf(size.input) % chunkQuads === 0)
    .map(({ width, chunkQuads, blockQuads }) => tile(size, strip, rows, width, chunkQuads, blockQuads));
  const fitting = tiles.filter((candidate) => vectorsOf(candidate) <= WORKGROUP_VECTORS);
  const workgroups = (candidate: ConvolutionTile): number =>
    (candidate.tilesPerImage * imageCount * quadsOf(output)) / candidate.blockQuads;
  return (
    fitting.find(
      (candidate) =>
        candidate.threads <= WORKGROUP_THREADS &&
        (workgroups(candidate) >= ENOUGH_WORKGROUPS || candidate.blockQuads <= SMALLEST_BLOCK),
    ) ?? fitting[fitting.length - 1]!
  );
}

/** Sizes of channel blocks that divide the output's, the largest first. */
function blocks({ output }: ConvolutionSize): number[] {
  return [8, 7, 6, 5, 4, 3, 2, 1].filter((quads) => quadsOf(output) % quads === 0);
}

function tile(
  { kind, stride, output }: ConvolutionSize,
  strip: number,
  rows: number,
  columns: number,
  chunkQuads: number,
  blockQuads: number,
): ConvolutionTile {
  const isDilated = kind === 'gradient' && stride === 2;
  const span = (length: number): number => (isDilated ? length / 2 + 1 : (length - 1) * stride + 3);
  const strips = (rows * columns) / strip;
  const tilesAcross = Math.ceil(output.width / columns);
  return {
    strip,
    rows,
    columns,
    blockQuads,
    chunkQuads,
    inputRows: span(rows),
    inputColumns: span(columns),
    pitch: span(columns) | 1,
    strips,
    threads: strips * blockQuads,
    tilesAcross,
    tilesPerImage: tilesAcross * Math.ceil(output.height / rows),
  };
}

/** Workgroup memory: input, filter, and a vector a thread to sum by channel. */
function vectorsOf({ chunkQuads, blockQuads, inputRows, pitch, threads }: ConvolutionTile): number {
  return chunkQuads * inputRows * pitch + 36 * chunkQuads * blockQuads + threads + blockQuads;
}

export function tilingOf({ imageCount, output }: ConvolutionSize, tile: ConvolutionTile): Tiling {
  const { tilesAcross, tilesPerImage, rows, columns } = tile;
  return {
    tileCount: imageCount * tilesPerImage,
    pixelsOf: (index) => {
      const inImage = `(${index} % ${tilesPerImage}u)`;
      const height = `min(${rows}u, ${output.height}u - ${inImage} / ${tilesAcross}u * ${rows}u)`;
      const width = `min(${columns}u, ${output.width}u - ${inImage} % ${tilesAcross}u * ${columns}u)`;
      return `(${height} * ${width})`;
    },
  };
}
