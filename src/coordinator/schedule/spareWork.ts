/**
 * What somebody who idles might do for a round whose items have all been handed out: take over what another has not
 * begun, repeat what another will be long about, or show whether it is still as slow as it was.
 */

import type { Outlook } from './finishTimes.js';
import type { Pace } from './pace.js';
import type { Assignee } from './assignee.js';

/** A forecast is no promise: what is taken over must be done sooner by so much, … */
const TAKE_OVER_MARGIN = 1.2;
/** … and by so much, if it is to be computed twice. */
const REPEAT_MARGIN = 1.5;
/** A slow node that gets nothing is tried after so many times its own time for an item. */
const PROBE_AFTER = 4;

/** What has been handed out and not been answered. */
export interface Outstanding<Node extends Assignee> {
  /** By index; an item without holders waits for somebody who has room. */
  readonly holders: ReadonlyMap<number, ReadonlySet<Node>>;
  keyOf(index: number): string;
  sampleCountOf(index: number): number;
  paceOf(assignee: Node): Pace;
  /** Who must not have the item. */
  unfitFor(index: number): ReadonlySet<Node>;
}

export interface Assignment<Node> {
  readonly assignee: Node;
  readonly index: number;
}

/** Somebody who idles, and an item that another node has not begun and would do later. */
export function findTakeOver<Node extends Assignee>(
  items: Outstanding<Node>,
  outlook: Outlook<Node>,
): Assignment<Node> | undefined {
  return findForIdle(items, outlook, TAKE_OVER_MARGIN, (index) => !isBegun(items, index));
}

/** Somebody who idles, and an item that another is computing and will have done much later. */
export function findRepeat<Node extends Assignee>(
  items: Outstanding<Node>,
  outlook: Outlook<Node>,
): Assignment<Node> | undefined {
  return findForIdle(items, outlook, REPEAT_MARGIN, (index) => isBegun(items, index));
}

/** A slow node that has had nothing for long, and an item to see how long it takes now. Nobody waits for its answer. */
export function findProbe<Node extends Assignee>(
  items: Outstanding<Node>,
  outlook: Outlook<Node>,
): Assignment<Node> | undefined {
  for (const assignee of outlook.idle()) {
    if (assignee.workload.itemCount > 0 || !outlook.isSlow(assignee)) continue;
    const { msPerSample, measuredAtMs } = items.paceOf(assignee);
    for (const [index, holders] of items.holders) {
      const restMs = PROBE_AFTER * msPerSample! * items.sampleCountOf(index);
      if (outlook.nowMs - measuredAtMs < restMs) break;
      if (holders.size === 1 && mayTake(items, assignee, index)) return { assignee, index };
    }
  }
  return undefined;
}

/** Until when, and as long as nothing new is expected later than what, looking again would find nothing. */
export interface Quiet {
  readonly untilMs: number;
  latestMs: number;
  /** The least that an idle worker could take for any of the items. */
  readonly leastMs: number;
}

export function quietAfter<Node extends Assignee>(items: Outstanding<Node>, outlook: Outlook<Node>): Quiet {
  let latestMs = -Infinity;
  let fewestSamples = Infinity;
  for (const [index, holders] of items.holders) {
    if (holders.size === 0) continue;
    latestMs = Math.max(latestMs, outlook.expectedMs(holders, items.keyOf(index)));
    fewestSamples = Math.min(fewestSamples, items.sampleCountOf(index));
  }
  return { untilMs: outlook.nextChangeMs(), latestMs, leastMs: outlook.leastDurationMs(fewestSamples) };
}

export function isQuiet({ untilMs, latestMs, leastMs }: Quiet, nowMs: number): boolean {
  return nowMs < untilMs && nowMs + TAKE_OVER_MARGIN * leastMs >= latestMs;
}

/** The item that is expected last, and the quickest of the idle, if that would have it done earlier. */
function findForIdle<Node extends Assignee>(
  items: Outstanding<Node>,
  outlook: Outlook<Node>,
  margin: number,
  isMeant: (index: number) => boolean,
): Assignment<Node> | undefined {
  const idle = outlook.idle();
  let found: (Assignment<Node> & { readonly expectedMs: number }) | undefined;
  for (const [index, holders] of items.holders) {
    if (holders.size === 0 || !isMeant(index)) continue;
    const expectedMs = outlook.expectedMs(holders, items.keyOf(index));
    if (found && expectedMs <= found.expectedMs) continue;
    const assignee = idle.find((one) => mayTake(items, one, index));
    if (!assignee) continue;
    const tookMs = outlook.idleDurationMs(assignee, items.sampleCountOf(index));
    if (outlook.nowMs + margin * tookMs < expectedMs) found = { assignee, index, expectedMs };
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
