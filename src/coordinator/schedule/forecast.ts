/**
 * When a node will have finished the items that it holds, and a new item. Uses the node's own pace; while that is not
 * known, the pace of the quickest node. A worker that takes far longer than expected may have stalled: the forecast is
 * then that it needs as long again as it has taken so far.
 */

import type { ItemKey } from './itemKey.js';
import type { Pace } from './pace.js';
import type { HeldItem, Workload } from './workload.js';

/** An item is late after this many times its expected duration, but not before the time below. */
const LATE_FACTOR = 2;
const LATE_AT_LEAST_MS = 20;
/** A late item is checked again when it has taken this many times as long. */
const LATER_FACTOR = 1.25;
/** While nothing has been measured, every node counts as equally fast, at any rate: only the number of items matters. */
const UNMEASURED_MS_PER_SAMPLE = 1000;
/** While nothing has been measured, an item is late after this time. */
const LATE_UNMEASURED_MS = 30_000;

export class Forecast {
  /** When each busy worker will be free, earliest first; idle ones are free now. */
  private readonly freeAtMs: readonly number[];
  private readonly finishes = new Map<ItemKey, number>();
  /** Items that no worker has begun. */
  private readonly waiting: number;

  /** @param msPerSample the pace for new items; undefined while no node has been measured */
  constructor(
    private readonly workload: Workload,
    private readonly msPerSample: number | undefined,
    readonly nowMs: number,
  ) {
    const waiting: HeldItem[] = [];
    const freeAtMs: number[] = [];
    for (const item of workload.items()) {
      if (item.beganAtMs === undefined) {
        waiting.push(item);
        continue;
      }
      const finishMs = this.finishOfBegun(item);
      this.finishes.set(item.key, finishMs);
      freeAtMs.push(finishMs);
    }
    this.freeAtMs = freeAtMs.sort((a, b) => a - b);
    this.waiting = waiting.length;
    waiting.forEach((item, position) => this.finishes.set(item.key, this.finishAfter(position, item)));
  }

  /** When a new item would be finished if it were given now. */
  newFinishMs(sampleCount: number): number {
    return this.finishAfter(this.waiting, { sampleCount });
  }

  /** When an item will be finished; infinite if this node does not hold it. */
  finishMs(key: ItemKey): number {
    return this.finishes.get(key) ?? Infinity;
  }

  /** How many new items of this size would be finished by `timeMs`. */
  capacityBy(timeMs: number, sampleCount: number): number {
    const durationMs = newDurationMs(this.msPerSample, sampleCount);
    const done = (freeMs: number): number => Math.max(0, Math.floor((timeMs - freeMs) / durationMs));
    const byBusy = this.freeAtMs.reduce((count, freeMs) => count + done(freeMs), 0);
    return Math.max(0, byBusy + this.workload.idleWorkers * done(this.nowMs) - this.waiting);
  }

  private finishOfBegun({ beganAtMs, sampleCount, pace }: HeldItem): number {
    const durationMs = knownDurationMs(pace, sampleCount, this.msPerSample);
    const elapsedMs = this.nowMs - beganAtMs!;
    if (durationMs === undefined) {
      const times = elapsedMs > LATE_UNMEASURED_MS ? LATE_FACTOR : 1; // late: another node would finish it sooner
      return this.nowMs + times * UNMEASURED_MS_PER_SAMPLE * sampleCount;
    }
    if (elapsedMs > lateAfter(durationMs)) return this.nowMs + elapsedMs;
    return Math.max(this.nowMs, beganAtMs! + durationMs);
  }

  /** When an item will be finished that waits behind `position` others. */
  private finishAfter(position: number, { sampleCount }: { readonly sampleCount: number }): number {
    const durationMs = newDurationMs(this.msPerSample, sampleCount);
    const { threads, idleWorkers } = this.workload;
    const rounds = Math.floor(position / threads);
    const worker = (position % threads) - idleWorkers; // idle ones come first
    const freeMs = worker < 0 ? this.nowMs : (this.freeAtMs[worker] ?? this.nowMs);
    return freeMs + (rounds + 1) * durationMs;
  }
}

/** When the forecast for a begun item will change by the passing of time alone: when it is late, or much later. */
export function nextChangeMs(item: HeldItem, msPerSample: number | undefined, nowMs: number): number {
  const { beganAtMs } = item;
  if (beganAtMs === undefined) return Infinity;
  const lateMs = lateAfterMs(item, msPerSample);
  const elapsedMs = nowMs - beganAtMs;
  if (lateMs === undefined) {
    return elapsedMs <= LATE_UNMEASURED_MS ? beganAtMs + LATE_UNMEASURED_MS : Infinity;
  }
  return beganAtMs + (elapsedMs <= lateMs ? lateMs : LATER_FACTOR * elapsedMs);
}

/**
 * How long after its start an item is late; undefined while no node has been measured.
 * @param msPerSample the pace if the node's own is not known
 */
export function lateAfterMs(
  { sampleCount, pace }: HeldItem,
  msPerSample: number | undefined,
): number | undefined {
  return lateAfter(knownDurationMs(pace, sampleCount, msPerSample));
}

function knownDurationMs(
  pace: Pace,
  sampleCount: number,
  otherMsPerSample: number | undefined,
): number | undefined {
  const msPerSample = pace.msPerSample ?? otherMsPerSample;
  return msPerSample === undefined ? undefined : msPerSample * sampleCount;
}

function lateAfter(durationMs: number): number;
function lateAfter(durationMs: number | undefined): number | undefined;
function lateAfter(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.max(LATE_AT_LEAST_MS, LATE_FACTOR * durationMs);
}

/** How long a new item takes. While no node has been measured, the same for all. */
export function newDurationMs(msPerSample: number | undefined, sampleCount: number): number {
  return (msPerSample ?? UNMEASURED_MS_PER_SAMPLE) * sampleCount || Number.EPSILON;
}
