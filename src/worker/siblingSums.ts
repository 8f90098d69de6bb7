/**
 * Adds results before they are sent, in the order of the reduction tree, so that fewer bytes travel: the sum of two
 * gradients takes no more bytes than one. A result waits only for a sibling that this node is computing, and only briefly:
 * items that begin together end at about the same time. It is sent alone if the sibling fails, must be answered alone,
 * or is late.
 */

import { REAL_CLOCK } from '../foundation/clock.js';
import type { Clock } from '../foundation/clock.js';
import { littleEndianBytes } from '../foundation/littleEndian.js';
import { packInPlace } from '../foundation/wire/kernels.js';
import { roundSum } from '../foundation/wire/rounding.js';
import type { StepRounding } from '../foundation/wire/rounding.js';
import type { Result, Sum } from '../protocol/index.js';
import type { GradientOutput, Score } from './task.js';

/** The sum of the gradients of consecutive micro-batches of one step. Their number is a power of two and divides `first`. */
export interface GradientSum extends GradientOutput {
  readonly step: number;
  readonly first: number;
  /** One score per micro-batch. */
  readonly leaves: readonly Score[];
  /** How it has been rounded. */
  readonly rounding: StepRounding;
  readonly release: () => void;
}

export interface SiblingSumsOptions {
  /** The most micro-batches in a sum; 1 for no sums. At most the number of threads: a larger sum would wait for later items. */
  readonly largest: () => number;
  readonly send: (sum: GradientSum) => void;
  /** Until when a result waits at most. Left out: for a share of the time that it took. */
  readonly untilMs?: (sum: GradientSum, tookMs: number, nowMs: number) => number;
  /** Left out: the real one. */
  readonly clock?: Clock | undefined;
}

interface Waiting {
  readonly sum: GradientSum;
  /** It is sent at this time at the latest. */
  readonly untilMs: number;
  readonly cancelTimer: () => void;
}

/** How long a result waits at most, as a share of the time that it took to compute. */
const WAIT_SHARE = 0.25;

export class SiblingSums {
  private step = -1;
  /** When each micro-batch that is being computed was begun; those of the current step. */
  private readonly beganAtMs = new Map<number, number>();
  /** By first micro-batch. Every micro-batch of the awaited sibling is being computed or waits here too. */
  private readonly waiting = new Map<number, Waiting>();
  private readonly apart = new Set<number>();

  private readonly clock: Clock;

  constructor(private readonly options: SiblingSumsOptions) {
    this.clock = options.clock ?? REAL_CLOCK;
  }

  /** A thread begins to compute the micro-batch. */
  begin(step: number, microBatch: number): void {
    this.enter(step);
    this.beganAtMs.set(microBatch, this.clock.nowMs());
  }

  /** The micro-batches of the sum have been computed: adds it to its sibling, keeps it for the sibling, or sends it. */
  finish(sum: GradientSum): void {
    const { step, first, leaves } = sum;
    if (step !== this.step) return this.options.send(sum);
    const nowMs = this.clock.nowMs();
    const tookMs = nowMs - (this.beganAtMs.get(first) ?? nowMs);
    for (const place of leaves.keys()) this.beganAtMs.delete(first + place);
    this.place(sum, this.options.untilMs?.(sum, tookMs, nowMs) ?? nowMs + WAIT_SHARE * tookMs);
    this.sendUnmatched();
  }

  /** The micro-batch could not be computed. */
  fail(step: number, microBatch: number): void {
    if (step !== this.step) return;
    this.beganAtMs.delete(microBatch);
    this.sendUnmatched();
  }

  /** The coordinator wants the micro-batch answered alone. */
  keepApart(step: number, microBatch: number): void {
    this.enter(step);
    this.apart.add(microBatch);
    for (const { sum } of this.waiting.values()) {
      if (sum.first <= microBatch && microBatch < sum.first + sum.leaves.length) this.send(sum);
    }
    this.sendUnmatched();
  }

  /** Sends everything that waits: the round or the conversation is over. */
  flush(): void {
    for (const { sum } of this.waiting.values()) this.send(sum);
  }

  private enter(step: number): void {
    if (step === this.step) return;
    this.flush();
    this.step = step;
    this.beganAtMs.clear();
    this.apart.clear();
  }

  private place(sum: GradientSum, untilMs: number): void {
    const size = sum.leaves.length;
    const siblingAt = siblingOf(sum);
    const sibling = this.waiting.get(siblingAt);
    if (sibling?.sum.leaves.length === size) {
      this.forget(siblingAt);
      return this.place(added(sibling.sum, sum), Math.min(sibling.untilMs, untilMs));
    }
    if (!this.isComing(sum)) return this.options.send(sum);
    const cancelTimer = this.clock.after(untilMs - this.clock.nowMs(), () => {
      this.send(sum);
      this.sendUnmatched();
    });
    const earlier = this.waiting.get(sum.first); // of an item that was given twice
    if (earlier) this.send(earlier.sum);
    this.waiting.set(sum.first, { sum, untilMs, cancelTimer });
  }

  /** Whether the sum's sibling will be there as well: every micro-batch of it is being computed, or waits. */
  private isComing(sum: GradientSum): boolean {
    const size = sum.leaves.length;
    if (2 * size > this.options.largest() || this.apart.has(sum.first)) return false;
    const from = siblingOf(sum);
    for (let index = from; index < from + size;) {
      const waiting = this.waiting.get(index)?.sum.leaves.length;
      if (waiting === undefined && (!this.beganAtMs.has(index) || this.apart.has(index))) return false;
      index += waiting ?? 1;
    }
    return true;
  }

  /** What is sent or lost may be what others waited for. */
  private sendUnmatched(): void {
    for (let found = this.unmatched(); found; found = this.unmatched()) this.send(found);
  }

  private unmatched(): GradientSum | undefined {
    return [...this.waiting.values()].map(({ sum }) => sum).find((sum) => !this.isComing(sum));
  }

  private send(sum: GradientSum): void {
    this.forget(sum.first);
    this.options.send(sum);
  }

  private forget(first: number): void {
    this.waiting.get(first)?.cancelTimer();
    this.waiting.delete(first);
  }
}

/** The message to the coordinator. It uses the memory of the sum, and may overwrite its gradient. */
export function messageOf({ step, first, leaves, rounding, ...vectors }: GradientSum): Result | Sum {
  const common = {
    step,
    microBatch: first,
    gradientSum: packInPlace(rounding.format, vectors.gradientSum),
    statisticSum: littleEndianBytes(vectors.statisticSum),
  };
  const [leaf] = leaves;
  return leaf && leaves.length === 1
    ? { type: 'result', ...leaf, ...common }
    : { type: 'sum', leaves: [...leaves], ...common };
}

/** The first micro-batch of the sibling: ranges of 2 n leaves begin at multiples of 2 n. */
function siblingOf({ first, leaves }: GradientSum): number {
  return (first / leaves.length) % 2 === 0 ? first + leaves.length : first - leaves.length;
}

/** Adds into the memory of the first and releases the second. The order of two float32 numbers does not change their sum. */
function added(one: GradientSum, other: GradientSum): GradientSum {
  addInto(one.gradientSum, other.gradientSum);
  addInto(one.statisticSum, other.statisticSum);
  other.release();
  const [left, right] = one.first < other.first ? [one, other] : [other, one];
  roundSum(one.rounding, one.gradientSum, left.first, 2 * one.leaves.length);
  return { ...one, first: left.first, leaves: [...left.leaves, ...right.leaves] };
}

function addInto(target: Float32Array, other: Float32Array): void {
  for (let index = 0; index < target.length; index++) target[index]! += other[index]!;
}
