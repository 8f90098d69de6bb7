/**
 * Measures the tiles of a network's kernels on the device at hand, by timestamp queries. A round plans the whole pass with
 * one candidate for each size, so that every kernel is timed on the data, and with the neighbours, that it will have.
 */

import type { Model, ModelState } from '../../../model/index.js';
import type { MicroBatch } from '../../engine.js';
import type { Session } from '../dawn/session.js';
import { KernelTimer } from '../kernelTimer.js';
import { convolutionKey, convolutionTileCandidates, tileName } from '../kernels/convolutionTile.js';
import type { ConvolutionSize, ConvolutionTile } from '../kernels/convolutionTile.js';
import {
  weightGradientKey,
  weightGradientTileCandidates,
  weightGradientTileName,
} from '../kernels/weightGradientTile.js';
import type { WeightGradientSize, WeightGradientTile } from '../kernels/weightGradientTile.js';
import { OpenDevice } from '../openDevice.js';
import { DeviceLayout } from '../plan/deviceLayout.js';
import type { Tiles } from '../plan/tiles.js';

/** Runs of a round: the first warms up, and of the others the fastest counts. */
const RUNS = 4;

export interface TileTime {
  /** Size of the kernel, and name of the tile. */
  readonly key: string;
  readonly tile: string;
  /** Of all kernels of the size, and of those whose time depends on its tile. */
  readonly microseconds: number;
}

export interface TileMeasurement {
  readonly session: Session;
  readonly model: Model;
  readonly state: ModelState;
  readonly batch: MicroBatch;
  readonly tiles: RoundTiles;
  /** No round begins after this. */
  readonly budgetMs: number;
}

export interface TileCandidates {
  readonly convolution: (size: ConvolutionSize) => readonly ConvolutionTile[];
  readonly weightGradient: (size: WeightGradientSize) => readonly WeightGradientTile[];
}

/** The candidates of every size of a plan, and the plan's tiles in the round at hand. */
export class RoundTiles implements Tiles {
  private readonly names = new Map<string, readonly string[]>();
  round = 0;

  constructor(private readonly candidates: TileCandidates) {}

  readonly convolution: Tiles['convolution'] = (size) =>
    this.pick(convolutionKey(size), this.candidates.convolution(size), tileName);

  readonly weightGradient: Tiles['weightGradient'] = (size) =>
    this.pick(weightGradientKey(size), this.candidates.weightGradient(size), weightGradientTileName);

  private pick<Tile>(key: string, tiles: readonly Tile[], nameOf: (tile: Tile) => string): Tile {
    if (!this.names.has(key)) this.names.set(key, tiles.map(nameOf));
    return tiles[this.round] ?? tiles[0]!;
  }

  /** Tile of each size that is measured in this round for the first time. */
  get measured(): ReadonlyMap<string, string> {
    const entries = [...this.names].map(([key, names]) => [key, names[this.round]] as const);
    return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** Known once a plan has been made. */
  get rounds(): number {
    return Math.max(0, ...[...this.names.values()].map((names) => names.length));
  }
}

/** All that are worth measuring within a device's limits. */
export function allCandidates({ workgroupLimits }: Session): TileCandidates {
  return {
    convolution: (size) => convolutionTileCandidates(size, workgroupLimits),
    weightGradient: (size) => weightGradientTileCandidates(size, workgroupLimits),
  };
}

export interface Round {
  readonly times: readonly TileTime[];
  /** Of the whole pass, kernel by kernel. */
  readonly totalMicroseconds: number;
  /** The gradient as it lies on the device: the same in each round but for rounding. */
  readonly gradient: Float32Array;
}

/** Yields a round as soon as it has run. */
export async function* measureTiles(measurement: TileMeasurement): AsyncGenerator<Round> {
  const { session, model, state, batch, tiles, budgetMs } = measurement;
  const layout = new DeviceLayout(model);
  const startedMs = performance.now();
  for (tiles.round = 0; ; tiles.round++) {
    const device = new OpenDevice(session, model, layout, { tiles });
    try {
      await device.upload({ ...state, version: 0 }, false);
      yield await timeRound(device, batch, tiles);
    } finally {
      device.release();
    }
    const isLast = tiles.round + 1 >= tiles.rounds;
    if (isLast || performance.now() - startedMs > budgetMs) return;
  }
}

async function timeRound(device: OpenDevice, batch: MicroBatch, tiles: RoundTiles): Promise<Round> {
  const recorded = await device.planFor('training', batch.labels.length);
  const { dispatches } = recorded.plan;
  const best = dispatches.map(() => Infinity);
  let gradient: Float32Array = new Float32Array();
  for (let run = 0; run < RUNS; run++) {
    const timer = new KernelTimer(device.session);
    [, gradient = gradient] = await recorded.run(batch, [1, 2], timer);
    const times = await timer.read();
    if (run === 0) continue;
    times.forEach(({ nanoseconds }, index) => (best[index] = Math.min(best[index]!, nanoseconds)));
  }
  const totals = new Map<string, number>();
  dispatches.forEach(({ tuningKey }, index) => {
    if (tuningKey !== undefined) totals.set(tuningKey, (totals.get(tuningKey) ?? 0) + best[index]!);
  });
  const times = [...tiles.measured].map(([key, tile]) => ({
    key,
    tile,
    microseconds: (totals.get(key) ?? NaN) / 1000,
  }));
  return { times, totalMicroseconds: best.reduce((total, time) => total + time, 0) / 1000, gradient };
}
