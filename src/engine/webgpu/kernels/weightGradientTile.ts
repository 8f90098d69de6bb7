/**
 * How the gradient of a convolution's filter is divided into workgroups. Workgroups share the pixels and, if there are many,
 * the channels. Within a workgroup, teams of threads share the rows of a tile.
 */

import type { ActivationShape } from '../../../model/index.js';
import type { Border } from './convolutionTile.js';
import { GUARANTEED_LIMITS } from './limits.js';
import type { WorkgroupLimits } from './limits.js';
import { quadsOf, shapeText } from './shapes.js';

const MOST_COLUMNS = 16;
const MOST_BLOCK_QUADS = 8;
const ENOUGH_WORKGROUPS = 256;
const MOST_PARTIAL_FLOATS = 4 * 1024 * 1024; // 16 MiB of partial sums at most

export interface WeightGradientSize {
  readonly stride: 1 | 2;
  readonly border: Border;
  readonly imageCount: number;
  readonly input: ActivationShape;
  readonly output: ActivationShape;
}

interface WeightGradientChoice {
  readonly rows: number;
  readonly columns: number;
  /** In quads. */
  readonly inputBlock: number;
  readonly outputBlock: number;
  /** How many teams share a tile's rows; a team covers a block of filters once. */
  readonly teams: number;
  /** Desired number of workgroups. */
  readonly workgroups: number;
}

export interface WeightGradientTile extends WeightGradientChoice {
  readonly inputRows: number;
  readonly inputColumns: number;
  /** Threads of a team. */
  readonly team: number;
  readonly tilesAcross: number;
  readonly tilesPerImage: number;
  readonly splits: number;
  readonly tilesPerSplit: number;
}

/** Identifies this size within a network, for measured choices. */
export function weightGradientKey({ stride, imageCount, input, output }: WeightGradientSize): string {
  return `filter ${shapeText(input)} ${shapeText(output)} stride ${stride} images ${imageCount}`;
}

/** Elements of the filter, its channels padded to quads. */
export const filterLengthOf = ({ input, output }: WeightGradientSize): number =>
  9 * quadsOf(input) * quadsOf(output) * 16;

/** The tile to use if none was measured, within the limits of every device. */
export function usualWeightGradientTile(size: WeightGradientSize): WeightGradientTile {
  const { input, output } = size;
  const inputBlock = largestDivisor(quadsOf(input));
  const outputBlock = largestDivisor(quadsOf(output));
  const columns = Math.min(MOST_COLUMNS, output.width);
  const choose = (rows: number): WeightGradientTile => {
    const most = Math.floor(GUARANTEED_LIMITS.threads / (3 * inputBlock * outputBlock));
    return tileOf(size, {
      rows,
      columns,
      inputBlock,
      outputBlock,
      // A number that divides the rows; otherwise some teams have one row more, and the others wait.
      teams: [8, 4, 2, 1].find((teams) => teams <= Math.max(1, most) && rows % teams === 0) ?? 1,
      workgroups: ENOUGH_WORKGROUPS,
    });
  };
  const tiles = [8, 4, 2, 1].filter((rows) => rows <= output.height).map(choose);
  return tiles.find((tile) => vectorsOf(tile) <= GUARANTEED_LIMITS.vectors) ?? choose(1);
}

/** The tiles that are worth measuring, within a device's limits; the usual one is the first. */
export function weightGradientTileCandidates(
  size: WeightGradientSize,
  limits: WorkgroupLimits,
): WeightGradientTile[] {
  const usual = usualWeightGradientTile(size);
  const tiles = new Map([[weightGradientTileName(usual), usual]]);
  for (const choice of choices(size)) {
    const tile = tileOf(size, choice);
    const threads = tile.team * tile.teams;
    if (vectorsOf(tile) > limits.vectors || threads > limits.threads || threads < SMALLEST_WORKGROUP)
      continue;
    if (partialFloats(size, tile) > MOST_PARTIAL_FLOATS) continue;
    tiles.set(weightGradientTileName(tile), tile);
  }
  return [...tiles.values()];
}

const SMALLEST_WORKGROUP = 32;

function* choices({ input, output }: WeightGradientSize): Generator<WeightGradientChoice> {
  const dividing = (quads: number): number[] => [8, 4, 2, 1].filter((count) => quads % count === 0);
  for (const outputBlock of dividing(quadsOf(output)).slice(0, 2)) {
    for (const inputBlock of dividing(quadsOf(input)).slice(0, 2)) {
      for (const workgroups of [256, 512, 1024, 128]) {
        for (const rows of [8, 4, 2].filter((count) => count <= output.height)) {
          for (const teams of [4, 2, 1, 8].filter((count) => rows % count === 0)) {
            for (const mostColumns of [16, 8, 32]) {
              const columns = Math.min(mostColumns, output.width);
              yield { rows, columns, inputBlock, outputBlock, teams, workgroups };
            }
          }
        }
      }
    }
  }
}

/** Identifies a choice in results of measurements. */
export function weightGradientTileName(choice: WeightGradientChoice): string {
  const { rows, columns, inputBlock, outputBlock, teams, workgroups } = choice;
  return `${rows}x${columns} blocks ${inputBlock}x${outputBlock} teams ${teams} workgroups ${workgroups}`;
}

function tileOf(size: WeightGradientSize, choice: WeightGradientChoice): WeightGradientTile {
  const { stride, imageCount, input, output } = size;
  const { rows, columns, inputBlock, outputBlock, teams, workgroups } = choice;
  const tilesAcross = Math.ceil(output.width / columns);
  const tilesPerImage = tilesAcross * Math.ceil(output.height / rows);
  const blocks = (quadsOf(input) * quadsOf(output)) / (inputBlock * outputBlock);
  const wanted = Math.min(
    Math.ceil(workgroups / blocks),
    Math.max(1, Math.floor(MOST_PARTIAL_FLOATS / (filterLengthOf(size) * teams))),
  );
  const tilesPerSplit = Math.ceil((imageCount * tilesPerImage) / wanted);
  return {
    ...choice,
    inputRows: (rows - 1) * stride + 3,
    inputColumns: (columns - 1) * stride + 3,
    team: 3 * inputBlock * outputBlock,
    tilesAcross,
    tilesPerImage,
    splits: Math.ceil((imageCount * tilesPerImage) / tilesPerSplit),
    tilesPerSplit,
  };
}

/** Workgroup memory: input with its border, and gradient. */
const vectorsOf = ({
  inputRows,
  inputColumns,
  inputBlock,
  rows,
  columns,
  outputBlock,
}: WeightGradientTile): number => inputRows * inputColumns * inputBlock + rows * columns * outputBlock;

const partialFloats = (size: WeightGradientSize, { splits, teams }: WeightGradientTile): number =>
  filterLengthOf(size) * splits * teams;

function largestDivisor(quads: number): number {
  let divisor = Math.min(quads, MOST_BLOCK_QUADS);
  while (quads % divisor !== 0) divisor--;
  return divisor;
}

/** What `beginTiles` needs from either kind of kernel. */
export interface SharedOutTiles {
  readonly rows: number;
  readonly columns: number;
  readonly tilesAcross: number;
  readonly tilesPerImage: number;
  readonly tilesPerSplit: number;
}

/** WGSL: starts the loop over the workgroup's tiles; sets `image`, `firstRow` and `firstColumn` for each. */
export function beginTiles(tile: SharedOutTiles, imageCount: number): string {
  return `let end = min((group.x + 1u) * ${tile.tilesPerSplit}u, ${imageCount * tile.tilesPerImage}u);
for (var index = group.x * ${tile.tilesPerSplit}u; index < end; index++) {
  let image = index / ${tile.tilesPerImage}u;
  let place = index % ${tile.tilesPerImage}u;
  let firstRow = place / ${tile.tilesAcross}u * ${tile.rows}u;
  let firstColumn = place % ${tile.tilesAcross}u * ${tile.columns}u;`;
}
