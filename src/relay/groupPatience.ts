/**
 * How long an answer waits at a relay for those that it can be added to. A node's threads end together, so a share of an
 * answer's own time is enough there. The nodes behind a relay are read one after the other, so their answers come apart even
 * if they are equally fast: by how much is learned from the last groups. Nothing waits for a node that has stalled for
 * longer than an answer usually takes, which is less than it takes until its item is repeated elsewhere.
 */

import type { GradientSum } from '../worker/index.js';

/** While nothing is known, and at least: of the answer's own time. */
const SHARE = 0.25;
/** Times the usual time between the first and the last answer of a group. */
const SPREAD_MARGIN = 1.5;
/** Groups that count. */
const LATEST = 5;

interface Group {
  readonly firstMs: number;
  lastMs: number;
  readonly tookMs: number[];
}

export class GroupPatience {
  private step = -1;
  /** By their place in the step: as many micro-batches as the largest sum may have. */
  private readonly groups = new Map<number, Group>();
  private readonly spreads: number[] = [];
  private readonly durations: number[] = [];

  /** @param largest the most micro-batches of a sum */
  constructor(private readonly largest: () => number) {}

  /** An answer is there. @returns until when it waits */
  untilMs({ step, first }: Pick<GradientSum, 'step' | 'first'>, tookMs: number, nowMs: number): number {
    if (step !== this.step) this.enter(step);
    const group = this.groupOf(first, nowMs);
    group.lastMs = nowMs;
    group.tookMs.push(tookMs);
    const waitMs = Math.min(SPREAD_MARGIN * median(this.spreads), median(this.durations));
    return Math.max(nowMs + SHARE * tookMs, group.firstMs + waitMs);
  }

  private groupOf(first: number, nowMs: number): Group {
    const size = 2 ** Math.floor(Math.log2(Math.max(1, this.largest())));
    const place = Math.floor(first / size);
    const group = this.groups.get(place) ?? { firstMs: nowMs, lastMs: nowMs, tookMs: [] };
    this.groups.set(place, group);
    return group;
  }

  private enter(step: number): void {
    for (const { firstMs, lastMs, tookMs } of this.groups.values()) {
      if (tookMs.length < 2) continue;
      this.spreads.push(lastMs - firstMs);
      this.durations.push(sorted(tookMs).at(-2)!); // what one slow node takes does not count
    }
    for (const latest of [this.spreads, this.durations]) latest.splice(0, latest.length - LATEST);
    this.groups.clear();
    this.step = step;
  }
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** 0 if there are none. */
function median(values: readonly number[]): number {
  return sorted(values)[values.length >> 1] ?? 0;
}
