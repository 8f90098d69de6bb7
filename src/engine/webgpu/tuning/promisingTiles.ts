/**
 * Which tiles to measure, the most promising first. There are hundreds, and compiling one takes tens of milliseconds, so only
 * a few are measured. The order comes from measurements on an NVIDIA H200.
 */

import { convolutionTileCandidates } from '../kernels/convolutionTile.js';
import type { ConvolutionSize, ConvolutionTile } from '../kernels/convolutionTile.js';
import type { WorkgroupLimits } from '../kernels/limits.js';
import { quadsOf } from '../kernels/shapes.js';
import { weightGradientTileCandidates } from '../kernels/weightGradientTile.js';
import type { WeightGradientSize, WeightGradientTile } from '../kernels/weightGradientTile.js';
import type { TileCandidates } from './roundTiles.js';

/** Strip, block, quads of a thread, chunk, rows, columns; limited to what a size has. */
type ConvolutionWish = readonly [number, number, number, number, number, number, 'ahead'?];

/** Larger blocks read their input less often. */
const MANY_CHANNELS: readonly ConvolutionWish[] = [
  [4, 16, 2, 2, 8, 16],
  [8, 8, 1, 2, 8, 16, 'ahead'],
  [8, 8, 1, 2, 8, 16],
  [16, 8, 1, 2, 8, 16],
  [4, 16, 2, 2, 8, 16, 'ahead'],
  [16, 16, 1, 2, 8, 16, 'ahead'],
  [8, 8, 1, 4, 8, 16],
  [4, 16, 1, 1, 8, 8],
  [4, 8, 1, 1, 8, 16],
  [8, 16, 2, 2, 8, 16],
  [4, 16, 2, 4, 8, 8],
  [8, 8, 2, 2, 8, 16],
  [8, 4, 1, 2, 8, 32],
];
const FEW_CHANNELS: readonly ConvolutionWish[] = [
  [16, 4, 1, 2, 8, 32],
  [8, 4, 1, 2, 8, 16, 'ahead'],
  [16, 4, 1, 4, 8, 32],
  [8, 4, 1, 2, 8, 32],
  [8, 4, 1, 1, 8, 16],
  [8, 4, 1, 4, 8, 32],
  [8, 4, 2, 2, 8, 16],
  [4, 4, 1, 2, 8, 16],
  [8, 4, 1, 2, 4, 32],
  [4, 4, 1, 1, 4, 32],
  [8, 4, 2, 1, 8, 32],
];

/** Rows, columns, input and output block, teams, workgroups; limited to what a size has. */
type WeightGradientWish = readonly [number, number, number, number, number, number];

const LARGE_FILTERS: readonly WeightGradientWish[] = [
  [4, 8, 4, 8, 1, 512],
  [4, 8, 8, 8, 1, 512],
  [2, 16, 8, 8, 1, 512],
  [4, 16, 4, 8, 2, 512],
  [8, 8, 8, 8, 1, 1024],
  [4, 16, 8, 8, 1, 512],
  [8, 8, 4, 8, 2, 512],
  [8, 8, 8, 8, 2, 1024],
];
/** Teams that divide the rows, and more workgroups. */
const SMALL_FILTERS: readonly WeightGradientWish[] = [
  [8, 8, 4, 4, 8, 1024],
  [8, 16, 4, 4, 4, 256],
  [8, 16, 4, 4, 4, 512],
  [8, 8, 4, 4, 4, 1024],
  [4, 16, 4, 4, 4, 1024],
  [4, 32, 4, 4, 4, 256],
  [8, 16, 4, 8, 4, 512],
  [8, 8, 4, 8, 4, 1024],
];

const ENOUGH_QUADS = 8;

/** @param most maximum number of tiles of a size, including the usual one */
export function promisingTiles(limits: WorkgroupLimits, most: number): TileCandidates {
  return {
    convolution: (size) => promisingConvolutionTiles(size, limits).slice(0, most),
    weightGradient: (size) => promisingWeightGradientTiles(size, limits).slice(0, most),
  };
}

function promisingConvolutionTiles(size: ConvolutionSize, limits: WorkgroupLimits): ConvolutionTile[] {
  const candidates = convolutionTileCandidates(size, limits);
  const { input, output } = size;
  const wishes = quadsOf(output) >= ENOUGH_QUADS ? MANY_CHANNELS : FEW_CHANNELS;
  const wished = wishes.map(([wantedStrip, block, perThread, chunk, rows, columns, ahead]) => {
    const strip = [16, 8].find((length) => length <= wantedStrip && length <= output.width) ?? 4;
    const blockQuads = largestDivisor(quadsOf(output), block);
    const height = Math.max(...candidates.map((tile) => Math.min(tile.rows, rows)));
    return candidates.find(
      (tile) =>
        tile.strip === strip &&
        (tile.isAhead === true) === (ahead !== undefined) &&
        tile.blockQuads === blockQuads &&
        tile.quadsPerThread === largestDivisor(blockQuads, perThread) &&
        tile.chunkQuads === largestDivisor(quadsOf(input), chunk) &&
        tile.rows === height &&
        tile.columns === Math.min(columns, Math.ceil(output.width / strip) * strip),
    );
  });
  return wishedFirst(candidates, wished);
}

function promisingWeightGradientTiles(
  size: WeightGradientSize,
  limits: WorkgroupLimits,
): WeightGradientTile[] {
  const candidates = weightGradientTileCandidates(size, limits);
  const { input, output } = size;
  const isLarge = Math.min(quadsOf(input), quadsOf(output)) >= ENOUGH_QUADS;
  const wished = (isLarge ? LARGE_FILTERS : SMALL_FILTERS).map(
    ([rows, columns, inputBlock, outputBlock, teams, workgroups]) =>
      candidates.find(
        (tile) =>
          tile.rows === rows &&
          tile.columns === Math.min(columns, output.width) &&
          tile.inputBlock === largestDivisor(quadsOf(input), inputBlock) &&
          tile.outputBlock === largestDivisor(quadsOf(output), outputBlock) &&
          tile.teams === teams &&
          tile.workgroups === workgroups,
      ),
  );
  return wishedFirst(candidates, wished);
}

/** The usual tile, then the preferred ones, then the others in an order that covers all kinds. */
function wishedFirst<Tile>(
  [usual, ...others]: readonly Tile[],
  wished: readonly (Tile | undefined)[],
): Tile[] {
  const spread = others
    .map((tile, index) => ({ tile, place: (index * 0.618034) % 1 }))
    .sort((left, right) => left.place - right.place)
    .map(({ tile }) => tile);
  return [...new Set([usual!, ...wished.filter((tile) => tile !== undefined), ...spread])];
}

/** The largest power of two, at most `most`, that divides the number. */
function largestDivisor(quads: number, most: number): number {
  let divisor = most;
  while (quads % divisor !== 0) divisor /= 2;
  return divisor;
}
