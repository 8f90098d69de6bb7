/**
 * Items of earlier rounds that a node seems to compute, and may have dropped. New weights empty a node's queue, so an item
 * that waited there is never answered, though it was believed begun. Without this file such a node would seem busy for
 * ever and be given no more items.
 */

import type { Assignee } from './assignee.js';
import type { FinishTimes } from './finishTimes.js';
import type { RoundKey } from './itemKey.js';

/** A slow node needs time: an item is stale after this many times the duration that makes it late, and a second at least. */
const PATIENCE = 25;
const PATIENCE_AT_LEAST_MS = 1_000;
/**
 * While other workers are idle, the limits are longer. A stalled node would be given an item each time its items count as
 * stale, and would delay a step.
 */
const PATIENCE_WITH_OTHERS_IDLE = 100;
const PATIENCE_WITH_OTHERS_IDLE_AT_LEAST_MS = 60_000;
/** When an item is late while no node has been measured. */
const LATE_UNMEASURED_MS = 1_000;

export interface StaleItems {
  /** Whether a worker now counts as free. */
  readonly isAnyWorkerFreed: boolean;
  /** When to check again; infinite if there is nothing to check. */
  readonly untilMs: number;
}

/** Takes stale items off the nodes' workloads. */
export function dropStaleItems<Node extends Assignee>(
  assignees: Iterable<Node>,
  currentRound: RoundKey,
  times: FinishTimes<Node>,
): StaleItems {
  let untilMs = Infinity;
  let isAnyWorkerFreed = false;
  const isAnyoneIdle = times.isAnyoneIdle();
  for (const assignee of assignees) {
    const oldest = assignee.workload.oldest(); // earlier rounds come first
    if (!oldest || oldest.round === currentRound || !assignee.accepting) continue;
    const lateMs = times.lateAfterMs(assignee, oldest) ?? LATE_UNMEASURED_MS;
    const patienceMs = isAnyoneIdle
      ? Math.max(PATIENCE_WITH_OTHERS_IDLE_AT_LEAST_MS, PATIENCE_WITH_OTHERS_IDLE * lateMs)
      : Math.max(PATIENCE_AT_LEAST_MS, PATIENCE * lateMs);
    const overAtMs = (oldest.beganAtMs ?? -Infinity) + patienceMs;
    if (overAtMs > times.nowMs) {
      untilMs = Math.min(untilMs, overAtMs);
    } else {
      assignee.workload.drop(oldest.key, times.nowMs);
      times.forget(assignee);
      isAnyWorkerFreed = true;
    }
  }
  return { isAnyWorkerFreed, untilMs };
}
