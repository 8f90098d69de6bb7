/**
 * What an idle worker can do for a round whose items have all been handed out: take over an item that another node has
 * not begun, repeat an item that another node will finish late, or show whether a slow node is still slow.
 */

import type { FinishTimes } from './finishTimes.js';
import type { ItemKey } from './itemKey.js';
import type { Pace } from './pace.js';
import type { Assignee } from './assignee.js';

/** Forecasts are inexact: an item is taken over only if that is sooner by this factor, … */
const TAKE_OVER_MARGIN = 1.2;
/** … and repeated, which computes it twice, only if that is sooner by this factor. */
const REPEAT_MARGIN = 1.5;
/** A slow node that gets no items is tried again after this many times its own time for an item. */
const PROBE_AFTER = 4;

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

/** An idle node, and an item that another node has not begun and would finish later. */
export function findTakeOver<Node extends Assignee>(
  items: Outstanding<Node>,
  times: FinishTimes<Node>,
): Assignment<Node> | undefined {
  return findForIdle(items, times, TAKE_OVER_MARGIN, (index) => !isBegun(items, index));
}

/** An idle node, and an item that another node is computing and will finish much later. */
export function findRepeat<Node extends Assignee>(
  items: Outstanding<Node>,
  times: FinishTimes<Node>,
): Assignment<Node> | undefined {
  return findForIdle(items, times, REPEAT_MARGIN, (index) => isBegun(items, index));
}

/** A slow node that has had no item for long, and an item that measures it again. The round does not need its answer. */
export function findProbe<Node extends Assignee>(
  items: Outstanding<Node>,
  times: FinishTimes<Node>,
): Assignment<Node> | undefined {
  for (const assignee of times.idle()) {
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

export function isSearchPaused({ untilMs, latestMs, leastMs }: SearchPause, nowMs: number): boolean {
  return nowMs < untilMs && nowMs + TAKE_OVER_MARGIN * leastMs >= latestMs;
}

/** The item that is expected to finish last, and the quickest idle node, if that node would finish it earlier. */
function findForIdle<Node extends Assignee>(
  items: Outstanding<Node>,
  times: FinishTimes<Node>,
  margin: number,
  isMeant: (index: number) => boolean,
): Assignment<Node> | undefined {
  const idle = times.idle();
  let found: (Assignment<Node> & { readonly expectedMs: number }) | undefined;
  for (const [index, holders] of items.holders) {
    if (holders.size === 0 || !isMeant(index)) continue;
    const expectedMs = times.expectedMs(holders, items.keyOf(index));
    if (found && expectedMs <= found.expectedMs) continue;
    const assignee = idle.find((one) => mayTake(items, one, index));
    if (!assignee) continue;
    const tookMs = times.idleDurationMs(assignee, items.sampleCountOf(index));
    if (times.nowMs + margin * tookMs < expectedMs) found = { assignee, index, expectedMs };
  }
  return found;
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
