/**
 * Items of earlier rounds that a node seems busy with, and may have forgotten: new weights empty its queue, and what waited
 * there is not answered any more, though it was thought begun. Such a node would seem busy for ever, and be given nothing
 * that could prove otherwise.
 */

import type { Outlook } from './finishTimes.js';
import type { Assignee } from './assignee.js';

/** A node that is slow is not forgetful: it is given so many times what makes an item late, and at least a second. */
const PATIENCE = 25;
const PATIENCE_AT_LEAST_MS = 1_000;
/**
 * Where there are idle workers, a node that has stalled is better left alone: it would be given an item each time, and hold
 * up a step. So it counts as busy for longer.
 */
const PATIENCE_WITH_OTHERS_IDLE = 100;
const PATIENCE_WITH_OTHERS_IDLE_AT_LEAST_MS = 60_000;
/** While nobody's pace is known. */
const LATE_UNMEASURED_MS = 1_000;

export interface Forgotten {
  /** Whether a worker is now believed to be free. */
  readonly isAnyoneFreed: boolean;
  /** When it is time to look again. */
  readonly untilMs: number;
}

/** Strikes off what is late beyond all patience. */
export function forgetEarlierItems<Node extends Assignee>(
  assignees: Iterable<Node>,
  roundKey: string,
  outlook: Outlook<Node>,
): Forgotten {
  let untilMs = Infinity;
  let isAnyoneFreed = false;
  const isAnyoneIdle = outlook.isAnyoneIdle();
  for (const assignee of assignees) {
    const oldest = assignee.workload.oldest(); // earlier rounds come first
    if (!oldest || oldest.round === roundKey || !assignee.accepting) continue;
    const lateMs = outlook.lateAfterMs(assignee, oldest) ?? LATE_UNMEASURED_MS;
    const patienceMs = isAnyoneIdle
      ? Math.max(PATIENCE_WITH_OTHERS_IDLE_AT_LEAST_MS, PATIENCE_WITH_OTHERS_IDLE * lateMs)
      : Math.max(PATIENCE_AT_LEAST_MS, PATIENCE * lateMs);
    const overAtMs = (oldest.beganAtMs ?? -Infinity) + patienceMs;
    if (overAtMs > outlook.nowMs) {
      untilMs = Math.min(untilMs, overAtMs);
    } else {
      assignee.workload.drop(oldest.key, outlook.nowMs);
      outlook.forget(assignee);
      isAnyoneFreed = true;
    }
  }
  return { isAnyoneFreed, untilMs };
}
