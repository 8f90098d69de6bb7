/**
 * What an idle worker can do for a round whose items have all been handed out: take over an item that another node has
 * not begun, repeat an item that another node will finish late, or show whether a slow node is still slow.
 */

import type { FinishTimes } from './finishTimes.js';
import type { ItemKey } from './itemKey.js';
import { LeastFirst } from './leastFirst.js';
import type { Pace } from './pace.js';
import type { Assignee } from './assignee.js';

/** Forecasts are inexact: an item is taken over only if that is sooner by this factor, … */
const TAKE_OVER_MARGIN = 1.2;
/** … and repeated, which computes it twice, only if that is sooner by this factor. */
const REPEAT_MARGIN = 1.5;
/** A slow node that gets no items is tried again after this many times its own time for an item. */
const PROBE_AFTER = 4;

/** How long a search is not made again, as a share of the shortest time for an item: for each item, and at most. */
const REST_PER_ITEM = 5e-4;
const LONGEST_REST = 0.1;

/** The items that were handed out and are not answered. */
export interface Outstanding<Node extends Assignee> {
  /** The nodes that hold each item, by index. An item without holders waits for a node with room. */
  readonly holders: ReadonlyMap<number, ReadonlySet<Node>>;
  keyOf(index: number): ItemKey;
  sampleCountOf(index: number): number;
  paceOf(assignee: Node): Pace;
  /** The nodes that must not be given the item. */
  unfitFor(index: number): ReadonlySet<Node>;
}

export interface Assignment<Node> {
  readonly assignee: Node;
  readonly index: number;
}

/** Looks for spare work at one moment: each call returns the next assignment, which the caller makes before it calls again. */
export class SpareWork<Node extends Assignee> {
  /** The nodes with an idle worker, the quickest first. They only become fewer. */
  private idle: Node[];
  private waiting: LeastFirst<number> | undefined;
  private begun: LeastFirst<number> | undefined;

  constructor(
    private readonly items: Outstanding<Node>,
    private readonly times: FinishTimes<Node>,
  ) {
    this.idle = times.idle();
  }

  /** An idle node, and an item that another node has not begun and would finish later. */
  findTakeOver(): Assignment<Node> | undefined {
    const { items } = this;
    this.waiting ??= this.latestFirst((index) => !isBegun(items, index));
    return this.findIn(this.waiting, TAKE_OVER_MARGIN);
  }

  /** An idle node, and an item that another node is computing and will finish much later. */
  findRepeat(): Assignment<Node> | undefined {
    const { items } = this;
    this.begun ??= this.latestFirst((index) => isBegun(items, index));
    return this.findIn(this.begun, REPEAT_MARGIN);
  }

  /** A slow node that has had no item for long, and an item that measures it again. The round does not need its answer. */
  findProbe(): Assignment<Node> | undefined {
    const { items, times } = this;
    for (const assignee of this.stillIdle()) {
      if (assignee.workload.itemCount > 0 || !times.isSlow(assignee)) continue;
      const { msPerSample, measuredAtMs } = items.paceOf(assignee);
      for (const [index, holders] of items.holders) {
        const restMs = PROBE_AFTER * msPerSample! * items.sampleCountOf(index);
        if (times.nowMs - measuredAtMs < restMs) break;
        if (holders.size === 1 && mayTake(items, assignee, index)) return { assignee, index };
      }
    }
    return undefined;
  }

  private stillIdle(): readonly Node[] {
    const hasIdle = ({ workload }: Node): boolean => workload.idleWorkers > 0;
    if (!this.idle.every(hasIdle)) this.idle = this.idle.filter(hasIdle);
    return this.idle;
  }

  /** An item is expected the earlier the more has been assigned, so its rank only falls. */
  private latestFirst(isMeant: (index: number) => boolean): LeastFirst<number> {
    const { items, times } = this;
    const meant = [...items.holders].filter(([index, { size }]) => size > 0 && isMeant(index));
    return new LeastFirst(
      meant.map(([index]) => index),
      (index) => -times.expectedMs(items.holders.get(index)!, items.keyOf(index)),
    );
  }

  /** The item that is expected to finish last, and the quickest idle node, if that node would finish it earlier. */
  private findIn(latestFirst: LeastFirst<number>, margin: number): Assignment<Node> | undefined {
    const { items, times } = this;
    const idle = this.stillIdle();
    if (idle.length === 0) return undefined;
    for (let index = latestFirst.take(); index !== undefined; index = latestFirst.take()) {
      const item = index;
      const assignee = idle.find((one) => mayTake(items, one, item));
      if (!assignee) continue;
      const tookMs = times.idleDurationMs(assignee, items.sampleCountOf(item));
      const expectedMs = times.expectedMs(items.holders.get(item)!, items.keyOf(item));
      if (times.nowMs + margin * tookMs < expectedMs) return { assignee, index: item };
    }
    return undefined;
  }
}

/** How long a new search for spare work would find nothing. */
export interface SearchPause {
  /** Until this time, … */
  readonly untilMs: number;
  /** … and while no item is expected to finish later than this. */
  latestMs: number;
  /** The shortest time that an idle worker could take for any of the items. */
  readonly leastMs: number;
}

export function searchPauseAfter<Node extends Assignee>(
  items: Outstanding<Node>,
  times: FinishTimes<Node>,
): SearchPause {
  let latestMs = -Infinity;
  let fewestSamples = Infinity;
  for (const [index, holders] of items.holders) {
    if (holders.size === 0) continue;
    latestMs = Math.max(latestMs, times.expectedMs(holders, items.keyOf(index)));
    fewestSamples = Math.min(fewestSamples, items.sampleCountOf(index));
  }
  return { untilMs: times.nextChangeMs(), latestMs, leastMs: times.leastDurationMs(fewestSamples) };
}

function leastMsOf<Node extends Assignee>(items: Outstanding<Node>, times: FinishTimes<Node>): number {
  let fewestSamples = Infinity;
  for (const [index, holders] of items.holders) {
    if (holders.size > 0) fewestSamples = Math.min(fewestSamples, items.sampleCountOf(index));
  }
  return times.leastDurationMs(fewestSamples);
}

/** While answers may wait to be read, it is not looked for items to repeat. When to look again. */
const UNREAD_MS = 2;

export function whileUnread<Node extends Assignee>(
  items: Outstanding<Node>,
  times: FinishTimes<Node>,
): SearchPause {
  return { untilMs: times.nowMs + UNREAD_MS, latestMs: -Infinity, leastMs: leastMsOf(items, times) };
}

/**
 * A search looks at every item. With a thousand nodes there are a thousand answers a step, and a search after each would take
 * longer than all else that the coordinator does. So it is made once in a while: a share of the time that an item takes at
 * least, which grows with the number of items.
 */
export function restMs<Node extends Assignee>(
  itemCount: number,
  leastMs: number,
  { quickestMsPerSample }: FinishTimes<Node>,
): number {
  if (quickestMsPerSample === undefined || leastMs === Infinity) return 0;
  return leastMs * Math.min(LONGEST_REST, itemCount * REST_PER_ITEM);
}

export function isSearchPaused({ untilMs, latestMs, leastMs }: SearchPause, nowMs: number): boolean {
  return nowMs < untilMs && nowMs + TAKE_OVER_MARGIN * leastMs >= latestMs;
}

function mayTake<Node extends Assignee>(items: Outstanding<Node>, assignee: Node, index: number): boolean {
  return !items.holders.get(index)!.has(assignee) && !items.unfitFor(index).has(assignee);
}

function isBegun<Node extends Assignee>(items: Outstanding<Node>, index: number): boolean {
  const key = items.keyOf(index);
  for (const { workload } of items.holders.get(index)!) {
    if (workload.get(key)?.beganAtMs !== undefined) return true;
  }
  return false;
}
