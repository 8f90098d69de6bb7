/** Tiles of a plan that change from round to round of a measurement. */

import { convolutionKey, convolutionTileCandidates, tileName } from '../kernels/convolutionTile.js';
import type { ConvolutionSize, ConvolutionTile } from '../kernels/convolutionTile.js';
import type { WorkgroupLimits } from '../kernels/limits.js';
import {
  weightGradientKey,
  weightGradientTileCandidates,
  weightGradientTileName,
} from '../kernels/weightGradientTile.js';
import type { WeightGradientSize, WeightGradientTile } from '../kernels/weightGradientTile.js';
import type { Tiles } from '../plan/tiles.js';

/** At least one for each size; the first is the one to compare with. */
export interface TileCandidates {
  readonly convolution: (size: ConvolutionSize) => readonly ConvolutionTile[];
  readonly weightGradient: (size: WeightGradientSize) => readonly WeightGradientTile[];
}

/** Identifiers of tiles, by the keys of their sizes. */
export type TileNames = ReadonlyMap<string, string>;

export class RoundTiles implements Tiles {
  private readonly names = new Map<string, readonly string[]>();
  private readonly candidates: TileCandidates;
  round = 0;

  constructor(candidates: TileCandidates) {
    this.candidates = remembered(candidates);
  }

  readonly convolution: Tiles['convolution'] = (size) =>
    this.pick(convolutionKey(size), this.candidates.convolution(size), tileName);

  readonly weightGradient: Tiles['weightGradient'] = (size) =>
    this.pick(weightGradientKey(size), this.candidates.weightGradient(size), weightGradientTileName);

  private pick<Tile>(key: string, tiles: readonly Tile[], nameOf: (tile: Tile) => string): Tile {
    if (!this.names.has(key)) this.names.set(key, tiles.map(nameOf));
    return tiles[this.round] ?? tiles[0]!;
  }

  /** Tile of each size in this round; known once a plan has been made. */
  get current(): TileNames {
    return new Map([...this.names].map(([key, names]) => [key, names[this.round] ?? names[0]!]));
  }

  get rounds(): number {
    return Math.max(0, ...[...this.names.values()].map((names) => names.length));
  }
}

/** For each size the tile with the given identifier; if it has none, the tile from `otherwise`. */
export function namedCandidates(
  names: TileNames,
  limits: WorkgroupLimits,
  otherwise: TileCandidates,
): TileCandidates {
  return {
    convolution: (size) => {
      const name = names.get(convolutionKey(size));
      const named = name && convolutionTileCandidates(size, limits).find((tile) => tileName(tile) === name);
      return named ? [named] : otherwise.convolution(size);
    },
    weightGradient: (size) => {
      const name = names.get(weightGradientKey(size));
      const named =
        name &&
        weightGradientTileCandidates(size, limits).find((tile) => weightGradientTileName(tile) === name);
      return named ? [named] : otherwise.weightGradient(size);
    },
  };
}

/** The first of two lists for each size, without what occurs twice. */
export function firstOfEach(left: TileCandidates, right: TileCandidates): TileCandidates {
  const distinct = <Tile>(tiles: readonly Tile[], nameOf: (tile: Tile) => string): Tile[] => [
    ...new Map(tiles.map((tile) => [nameOf(tile), tile])).values(),
  ];
  return {
    convolution: (size) => distinct([left.convolution(size)[0]!, right.convolution(size)[0]!], tileName),
    weightGradient: (size) =>
      distinct([left.weightGradient(size)[0]!, right.weightGradient(size)[0]!], weightGradientTileName),
  };
}

/** The first tile of each size. */
export function firstTiles(candidates: TileCandidates): Tiles {
  const { convolution, weightGradient } = remembered(candidates);
  return {
    convolution: (size) => convolution(size)[0]!,
    weightGradient: (size) => weightGradient(size)[0]!,
  };
}

/** A network has each size many times, and a size has hundreds of tiles. */
function remembered({ convolution, weightGradient }: TileCandidates): TileCandidates {
  const once = <Size, Tile>(
    keyOf: (size: Size) => string,
    find: (size: Size) => readonly Tile[],
  ): ((size: Size) => readonly Tile[]) => {
    const known = new Map<string, readonly Tile[]>();
    return (size) => {
      const key = keyOf(size);
      const tiles = known.get(key) ?? find(size);
      known.set(key, tiles);
      return tiles;
    };
  };
  return {
    convolution: once(convolutionKey, convolution),
    weightGradient: once(weightGradientKey, weightGradient),
  };
}
