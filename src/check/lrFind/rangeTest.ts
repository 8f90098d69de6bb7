/**
 * The range test of learning rates (Smith, arXiv:1506.01186): the first steps of the run, each at a rate a little higher than
 * the one before. The same steps, sums and optimizer as in training, so the curve has the same bits whoever computes it.
 */

import { FleetRun, hasDiverged } from '../computing/fleetRun.js';
import type { Subject } from '../subject.js';

export interface RangeOptions {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
}

export interface RatePoint {
  /** Counted from 1. */
  readonly step: number;
  readonly lr: number;
  /** Mean over the step's samples, before its update. */
  readonly loss: number;
}

export interface RangeTest {
  readonly points: readonly RatePoint[];
  /** The first rate at which the loss was far above where it began, or not finite; null: none was. */
  readonly divergedAt: number | null;
  /** ln(classes): the loss of a network that knows nothing. */
  readonly guess: number;
}

/** A loss of so many times the first is no noise. */
export const DIVERGED = 1.5;
/** Share of the mean of the losses so far that each step keeps. */
const KEPT = 0.7;

/** Ends where training diverges. @throws the reason of the signal */
export async function runRangeTest(
  subject: Subject,
  { from, to, steps }: RangeOptions,
  {
    signal,
    onPoint,
  }: { readonly signal: AbortSignal; readonly onPoint?: ((point: RatePoint) => void) | undefined },
): Promise<RangeTest> {
  const run = await FleetRun.start(subject, subject.computing.threads, signal);
  const points: RatePoint[] = [];
  const guess = Math.log(subject.model.classCount);
  let mean: number | undefined;
  try {
    for (let step = 0; step < steps; step++) {
      const lr = rateAt(step, { from, to, steps });
      const loss = await lossOf(run, lr);
      if (!Number.isFinite(loss)) return { points, divergedAt: points.at(-1)?.lr ?? lr, guess };
      const point = { step: step + 1, lr, loss };
      points.push(point);
      onPoint?.(point);
      mean = mean === undefined ? loss : KEPT * mean + (1 - KEPT) * loss;
      const start = Math.max(points[0]!.loss, guess);
      if (mean > DIVERGED * start) return { points, divergedAt: lr, guess };
    }
  } finally {
    await run.close();
  }
  return { points, divergedAt: null, guess };
}

/** From the first to the last in equal factors. */
export function rateAt(step: number, { from, to, steps }: RangeOptions): number {
  return steps === 1 ? from : from * (to / from) ** (step / (steps - 1));
}

/** Infinite if the gradient is not finite. */
async function lossOf(run: FleetRun, lr: number): Promise<number> {
  try {
    return (await run.step(lr)).loss;
  } catch (error) {
    if (hasDiverged(error)) return Infinity;
    throw error;
  }
}
