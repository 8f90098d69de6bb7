/**
 * Results that a node adds before it sends them, as the reduction tree adds them, so that fewer bytes travel: the gradients
 * of two micro-batches take no more room than that of one. A result waits only for a sibling that is being computed in
 * this very node, and not for long: whoever begins together ends together, more or less. It is sent as it is
 * when the sibling fails, is wanted by itself, or is late.
 */

import type { GradientAnswer, GradientOutput, Score } from './task.js';

/** The gradients of consecutive micro-batches of one step, added; their number is a power of two, and divides `first`. */
export interface GradientSum extends GradientOutput {
  readonly step: number;
  readonly first: number;
  /** One a micro-batch. */
  readonly leaves: readonly Score[];
  readonly release: () => void;
}

export interface SiblingSumsOptions {
  /** The most micro-batches in a sum; 1 for none at all. More than the node has threads would wait for items of a later turn. */
  readonly largest: number;
  readonly send: (sum: GradientSum) => void;
}

interface Waiting {
  readonly sum: GradientSum;
  /** It is sent then, as it is. */
  readonly untilMs: number;
  readonly timer: NodeJS.Timeout;
}

/** How long a result waits at most, as a share of the time that it took to compute. */
const PATIENCE = 0.25;

export class SiblingSums {
  private step = -1;
  /** When each micro-batch of the step that is being computed was begun. */
  private readonly beganAtMs = new Map<number, number>();
  /** By the first micro-batch. Each waits for a sibling all of which is being computed or waits itself. */
  private readonly waiting = new Map<number, Waiting>();
  private readonly apart = new Set<number>();

  constructor(private readonly options: SiblingSumsOptions) {}

  /** A micro-batch is being computed from now on. */
  begin(step: number, microBatch: number): void {
    this.enter(step);
    this.beganAtMs.set(microBatch, performance.now());
  }

  /** It has been computed: it is added to its sibling, waits for it, or is sent. */
  finish(step: number, microBatch: number, answer: GradientAnswer): void {
    const { sampleCount, lossSum, correct, gradientSum, statisticSum, release } = answer;
    const leaves = [{ sampleCount, lossSum, correct }];
    const sum = { step, first: microBatch, leaves, gradientSum, statisticSum, release };
    if (step !== this.step) return this.options.send(sum);
    const nowMs = performance.now();
    const tookMs = nowMs - (this.beganAtMs.get(microBatch) ?? nowMs);
    this.beganAtMs.delete(microBatch);
    this.place(sum, nowMs + PATIENCE * tookMs);
    this.sendHopeless();
  }

  /** It could not be computed. */
  fail(step: number, microBatch: number): void {
    if (step !== this.step) return;
    this.beganAtMs.delete(microBatch);
    this.sendHopeless();
  }

  /** The coordinator wants the micro-batch by itself. */
  keepApart(step: number, microBatch: number): void {
    this.enter(step);
    this.apart.add(microBatch);
    for (const { sum } of this.waiting.values()) {
      if (sum.first <= microBatch && microBatch < sum.first + sum.leaves.length) this.send(sum);
    }
    this.sendHopeless();
  }

  /** Sends all that waits: the round, or the conversation, is over. */
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
    const timer = setTimeout(() => {
      this.send(sum);
      this.sendHopeless();
    }, untilMs - performance.now());
    const earlier = this.waiting.get(sum.first); // of an item that was given twice
    if (earlier) this.send(earlier.sum);
    this.waiting.set(sum.first, { sum, untilMs, timer });
  }

  /** Whether the sum's sibling will be there as well: every micro-batch of it is being computed, or waits. */
  private isComing(sum: GradientSum): boolean {
    const size = sum.leaves.length;
    if (2 * size > this.options.largest || this.apart.has(sum.first)) return false;
    const from = siblingOf(sum);
    for (let index = from; index < from + size;) {
      const waiting = this.waiting.get(index)?.sum.leaves.length;
      if (waiting === undefined && (!this.beganAtMs.has(index) || this.apart.has(index))) return false;
      index += waiting ?? 1;
    }
    return true;
  }

  /** What is sent or lost may be what others waited for. */
  private sendHopeless(): void {
    for (let found = this.hopeless(); found; found = this.hopeless()) this.send(found);
  }

  private hopeless(): GradientSum | undefined {
    return [...this.waiting.values()].map(({ sum }) => sum).find((sum) => !this.isComing(sum));
  }

  private send(sum: GradientSum): void {
    this.forget(sum.first);
    this.options.send(sum);
  }

  private forget(first: number): void {
    clearTimeout(this.waiting.get(first)?.timer);
    this.waiting.delete(first);
  }
}

/** Where the range begins that it is added to: the ranges of 2 n leaves begin at multiples of 2 n. */
function siblingOf({ first, leaves }: GradientSum): number {
  return (first / leaves.length) % 2 === 0 ? first + leaves.length : first - leaves.length;
}

/** In the memory of the first; that of the second is given back. Either order of two float32 numbers gives the same sum. */
function added(one: GradientSum, other: GradientSum): GradientSum {
  addInto(one.gradientSum, other.gradientSum);
  addInto(one.statisticSum, other.statisticSum);
  other.release();
  const [left, right] = one.first < other.first ? [one, other] : [other, one];
  return { ...one, first: left.first, leaves: [...left.leaves, ...right.leaves] };
}

function addInto(target: Float32Array, other: Float32Array): void {
  for (let index = 0; index < target.length; index++) target[index]! += other[index]!;
}
