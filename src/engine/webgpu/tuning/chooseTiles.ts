/** Chooses tiles from measured rounds. Knows nothing about devices. */

import type { TileNames } from './roundTiles.js';

export interface MeasuredRound {
  /** Tile of each size in this round. */
  readonly tiles: TileNames;
  /** Of all kernels of a size, by its key; kernels without a choice of tile are under `FIXED`. */
  readonly microseconds: ReadonlyMap<string, number>;
  /** Whether the last runs took the same time. */
  readonly isSteady: boolean;
  /** Whether its gradient was that of the first round, up to rounding. */
  readonly isRight: boolean;
}

export const FIXED = '';

export interface TileChoice {
  readonly usual: string;
  readonly tile: string;
  /** As measured; the time of the usual tile if that was kept. */
  readonly usualMicroseconds: number;
  readonly microseconds: number;
  /** Tiles that were measured, including the usual one. */
  readonly measured: number;
}

/** Another tile must be faster than the usual one by this share, so that noise does not decide. */
const LEAST_GAIN = 0.03;
/** If the unchanged kernels of a round differ by more than this, it was measured at another clock rate. */
const LARGEST_DRIFT = 0.2;

/**
 * @param rounds the tiles of the first are the usual ones; any of them may come several times
 * @returns a choice for each size whose usual tile was measured
 */
export function chooseTiles(rounds: readonly MeasuredRound[]): ReadonlyMap<string, TileChoice> {
  const usual = rounds[0]?.tiles ?? new Map<string, string>();
  const sound = rounds.filter(({ isSteady, isRight }) => isSteady && isRight);
  const base = sound.find(({ tiles }) => isSame(tiles, usual));
  const choices = new Map<string, TileChoice>();
  if (base === undefined) return choices;
  const times = timesByTile(base, sound);
  for (const [key, name] of usual) {
    const ofSize = times.get(key);
    const usualMicroseconds = ofSize?.get(name);
    if (ofSize === undefined || usualMicroseconds === undefined) continue;
    const choice = { usual: name, usualMicroseconds, measured: ofSize.size };
    const [best] = [...ofSize].sort(([, left], [, right]) => left - right);
    const [tile, microseconds] = best!;
    const isBetter = microseconds < usualMicroseconds * (1 - LEAST_GAIN);
    choices.set(
      key,
      isBetter
        ? { ...choice, tile, microseconds }
        : { ...choice, tile: name, microseconds: usualMicroseconds },
    );
  }
  return choices;
}

/** For each size, the shortest time of each tile, as it would have been in the base round. */
function timesByTile(
  base: MeasuredRound,
  rounds: readonly MeasuredRound[],
): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const times = new Map<string, Map<string, number>>();
  for (const round of rounds) {
    const drift = driftOf(round, base);
    if (!(Math.abs(drift - 1) <= LARGEST_DRIFT)) continue;
    for (const [key, tile] of round.tiles) {
      const microseconds = (round.microseconds.get(key) ?? NaN) / drift;
      if (!(microseconds > 0)) continue; // some drivers return no time, or the same time twice
      const ofSize = times.get(key) ?? new Map<string, number>();
      ofSize.set(tile, Math.min(ofSize.get(tile) ?? Infinity, microseconds));
      times.set(key, ofSize);
    }
  }
  return times;
}

/** Ratio of the times of kernels that are the same in both rounds: the median of all. */
function driftOf(round: MeasuredRound, base: MeasuredRound): number {
  const ratios = [...round.microseconds]
    .filter(([key]) => key === FIXED || round.tiles.get(key) === base.tiles.get(key))
    .map(([key, microseconds]) => microseconds / (base.microseconds.get(key) ?? NaN))
    .filter((ratio) => ratio > 0)
    .sort((left, right) => left - right);
  return ratios[Math.floor((ratios.length - 1) / 2)] ?? NaN;
}

function isSame(left: TileNames, right: TileNames): boolean {
  return left.size === right.size && [...left].every(([key, tile]) => right.get(key) === tile);
}
