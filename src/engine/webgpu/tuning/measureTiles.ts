/**
 * Times candidate tiles on the device with timestamp queries. A round plans a whole pass with one candidate tile per kernel
 * size. So each kernel is timed on real data, between the kernels that surround it in training.
 *
 * Compiling takes far longer than measuring, and an idle GPU lowers its clock. So all rounds are compiled first. Then each
 * round is measured twice, once its times are steady.
 */

import type { Model, ModelState } from '../../../model/index.js';
import type { MicroBatch } from '../../engine.js';
import type { Session } from '../dawn/session.js';
import { KernelTimer } from '../kernelTimer.js';
import { OpenDevice } from '../openDevice.js';
import { DeviceLayout } from '../plan/deviceLayout.js';
import { planPass } from '../plan/devicePlan.js';
import type { RecordedPlan } from '../recordedPlan.js';
import { FIXED } from './chooseTiles.js';
import type { MeasuredRound } from './chooseTiles.js';
import type { RoundTiles } from './roundTiles.js';

/** When a round's times count. */
export interface Pace {
  /** An idle GPU takes about this long to reach its clock rate. */
  readonly warmUpMs: number;
  /** The total times of these last runs must agree within `agreement`, a share. Then the shortest time of each kernel counts. */
  readonly runs: number;
  readonly agreement: number;
  /** A round that is not steady by then is ignored. */
  readonly limitMs: number;
}

export const PACE: Pace = { warmUpMs: 150, runs: 5, agreement: 0.05, limitMs: 1000 };

/** Every round is measured this many times, each time after all others. */
const SWEEPS = 2;
/** Share of the budget in which rounds may be compiled. */
const COMPILING_SHARE = 0.75;
/** The GPU computes for about this long between two timed runs. */
const BUSY_MS = 20;
const MOST_REPETITIONS = 50;
/** Gradients of two rounds differ by rounding, and by values that rounding moves across zero. */
const LARGEST_DISTANCE = 0.05;

export interface TileMeasurement {
  readonly session: Session;
  readonly model: Model;
  readonly state: ModelState;
  readonly batch: MicroBatch;
  readonly tiles: RoundTiles;
  readonly budgetMs: number;
  readonly pace?: Pace | undefined;
}

export interface Round extends MeasuredRound {
  readonly round: number;
  /** Of the whole pass, kernel by kernel. */
  readonly totalMicroseconds: number;
  /** Difference of the gradient from the first round's, as a share. */
  readonly distance: number;
}

/** Yields a round as soon as it has run; the first is that of the usual tiles. */
export async function* measureTiles(measurement: TileMeasurement): AsyncGenerator<Round> {
  const { tiles, budgetMs } = measurement;
  const startedMs = performance.now();
  const compiled = await compileRounds(measurement);
  let first: Float32Array | undefined;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const round of compiled) {
      if (first !== undefined && performance.now() - startedMs > budgetMs) return;
      tiles.round = round;
      const timed = await measureRound(measurement);
      first ??= timed.gradient;
      const distance = distanceBetween(timed.gradient, first);
      const { microseconds, isSteady, totalMicroseconds } = timed;
      const isRight = distance <= LARGEST_DISTANCE;
      yield { round, tiles: tiles.current, microseconds, isSteady, isRight, totalMicroseconds, distance };
    }
  }
}

/** @returns the rounds whose kernels are all compiled; always includes the first */
async function compileRounds(measurement: TileMeasurement): Promise<number[]> {
  const { session, model, batch, tiles, budgetMs } = measurement;
  const layout = new DeviceLayout(model);
  const [imageCount, bindingLimit] = [batch.labels.length, session.bindingLimit];
  const compiled: number[] = [];
  const startedMs = performance.now();
  let longestMs = 0;
  for (tiles.round = 0; tiles.round === 0 || tiles.round < tiles.rounds; tiles.round++) {
    const beganMs = performance.now();
    // The first has more to compile than any other.
    if (compiled.length > 0 && beganMs - startedMs + longestMs > budgetMs * COMPILING_SHARE) break;
    const { dispatches } = planPass({ model, layout, kind: 'training', imageCount, bindingLimit, tiles });
    const compile = async (): Promise<unknown> => {
      const pipelines = dispatches.map((dispatch) => session.pipeline(dispatch));
      await Promise.allSettled(pipelines); // none may still be running, see `Staging.settled`
      return Promise.all(pipelines);
    };
    try {
      await session.checked('compiling', compile);
      compiled.push(tiles.round);
    } catch (error) {
      if (tiles.round === 0 || session.lost !== undefined) throw error; // otherwise the driver refuses a candidate
    }
    if (tiles.round > 0) longestMs = Math.max(longestMs, performance.now() - beganMs);
  }
  return compiled;
}

type TimedRound = Pick<Round, 'microseconds' | 'isSteady' | 'totalMicroseconds'> & {
  readonly gradient: Float32Array;
};

async function measureRound({
  session,
  model,
  state,
  batch,
  tiles,
  pace,
}: TileMeasurement): Promise<TimedRound> {
  const device = new OpenDevice(session, model, new DeviceLayout(model), { tiles });
  try {
    await device.upload({ ...state, version: 0 }, false);
    const recorded = await device.planFor('training', batch.labels.length);
    const [, gradient] = await recorded.run(batch, [1, 2]);
    const { runs, isSteady } = await steadyRuns(recorded, session, pace ?? PACE);
    session.throwIfFailed();
    const best = recorded.plan.dispatches.map((_, index) => Math.min(...runs.map((run) => run[index]!)));
    const microseconds = new Map<string, number>();
    recorded.plan.dispatches.forEach(({ tuningKey = FIXED }, index) => {
      microseconds.set(tuningKey, (microseconds.get(tuningKey) ?? 0) + best[index]! / 1000);
    });
    return { microseconds, isSteady, totalMicroseconds: sum(best) / 1000, gradient: gradient! };
  } finally {
    device.release();
  }
}

/** Runs until the times agree; nanoseconds of each kernel in each of the last runs. */
async function steadyRuns(
  recorded: RecordedPlan,
  session: Session,
  { warmUpMs, runs: count, agreement, limitMs }: Pace,
): Promise<{ runs: readonly (readonly number[])[]; isSteady: boolean }> {
  const startedMs = performance.now();
  const runs: (readonly number[])[] = [];
  let repetitions = 0;
  for (;;) {
    const times = await recorded.timeAgain(repetitions, new KernelTimer(session));
    runs.push(times.map(({ nanoseconds }) => nanoseconds));
    if (runs.length > count) runs.shift();
    const totals = runs.map(sum);
    const longest = Math.max(...totals);
    repetitions = Math.min(MOST_REPETITIONS, Math.floor((BUSY_MS * 1e6) / Math.max(1, longest)));
    if (runs.length < count) continue;
    const passedMs = performance.now() - startedMs;
    const isSteady = longest <= Math.min(...totals) * (1 + agreement);
    if (passedMs >= (isSteady ? warmUpMs : limitMs)) return { runs, isSteady };
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Of the whole vectors, as a share of the second's length. */
function distanceBetween(actual: Float32Array, expected: Float32Array): number {
  let [squares, difference] = [0, 0];
  expected.forEach((value, index) => {
    squares += value * value;
    const error = value - actual[index]!;
    difference += error * error;
  });
  return squares === 0 ? 0 : Math.sqrt(difference / squares);
}
