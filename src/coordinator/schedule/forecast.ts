/**
 * When a node will be done with what it holds, and with what it might be given: from its own pace, or while that is not
 * known from the quickest that is. A worker that takes far longer than it should may as well have stalled: it is then
 * expected to need as long again as it has taken so far.
 */

import type { HeldItem, Workload } from './workload.js';

/** An item is late after so many times the time it should take, and not before the given time. */
const LATE_FACTOR = 2;
const LATE_AT_LEAST_MS = 20;
/** A late item is looked at again when it has taken so much longer. */
const LATER_FACTOR = 1.25;
/** Where nothing has been measured yet, any time will do, being the same for all: then only the number of items counts. */
const UNMEASURED_MS_PER_SAMPLE = 1000;
/** And as long as nothing has been measured, an item is late after this. */
const LATE_UNMEASURED_MS = 30_000;

export class Forecast {
  /** When each busy worker will be free, earliest first; idle ones are free now. */
  private readonly freeAtMs: readonly number[];
  private readonly finishes = new Map<string, number>();
  private readonly waiting: number;

  /** @param msPerSample of new items here; undefined while nobody's pace is known */
  constructor(
    private readonly workload: Workload,
    private readonly msPerSample: number | undefined,
    readonly nowMs: number,
  ) {
    const items = [...workload.items()];
    const begun = items.filter(({ beganAtMs }) => beganAtMs !== undefined);
    for (const item of begun) this.finishes.set(item.key, this.finishOfBegun(item));
    this.freeAtMs = [...this.finishes.values()].sort((a, b) => a - b);
    const waiting = items.filter(({ beganAtMs }) => beganAtMs === undefined);
    this.waiting = waiting.length;
    waiting.forEach((item, position) => this.finishes.set(item.key, this.finishAfter(position, item)));
  }

  /** When a new item would be done, given now. */
  newFinishMs(sampleCount: number): number {
    return this.finishAfter(this.waiting, { sampleCount });
  }

  /** When an item that is held here will be done; infinite if it is not held. */
  finishMs(key: string): number {
    return this.finishes.get(key) ?? Infinity;
  }

  /** How many new items of that size would be done by the given time. */
  capacityBy(timeMs: number, sampleCount: number): number {
    const durationMs = newDurationMs(this.msPerSample, sampleCount);
    const done = (freeMs: number): number => Math.max(0, Math.floor((timeMs - freeMs) / durationMs));
    const byBusy = this.freeAtMs.reduce((count, freeMs) => count + done(freeMs), 0);
    return Math.max(0, byBusy + this.workload.idleWorkers * done(this.nowMs) - this.waiting);
  }

  /** When waiting alone will change the forecast for an item that has been begun: when it is late, or much later. */
  nextChangeMs(item: HeldItem): number {
    const { beganAtMs } = item;
    const lateAfterMs = this.lateAfterMs(item);
    if (beganAtMs === undefined) return Infinity;
    const elapsedMs = this.nowMs - beganAtMs;
    if (lateAfterMs === undefined) {
      return elapsedMs <= LATE_UNMEASURED_MS ? beganAtMs + LATE_UNMEASURED_MS : Infinity;
    }
    return beganAtMs + (elapsedMs <= lateAfterMs ? lateAfterMs : LATER_FACTOR * elapsedMs);
  }

  /** After how long an item that has been begun is late; undefined while nobody's pace is known. */
  lateAfterMs({ sampleCount, pace }: HeldItem): number | undefined {
    return lateAfter(this.knownDurationMs(pace.msPerSample, sampleCount));
  }

  private finishOfBegun({ beganAtMs, sampleCount, pace }: HeldItem): number {
    const durationMs = this.knownDurationMs(pace.msPerSample, sampleCount);
    const elapsedMs = this.nowMs - beganAtMs!;
    if (durationMs === undefined) {
      const times = elapsedMs > LATE_UNMEASURED_MS ? LATE_FACTOR : 1; // late: somebody else would have it done sooner
      return this.nowMs + times * UNMEASURED_MS_PER_SAMPLE * sampleCount;
    }
    if (elapsedMs > lateAfter(durationMs)) return this.nowMs + elapsedMs;
    return Math.max(this.nowMs, beganAtMs! + durationMs);
  }

  /** An item before which so many others wait for a worker. */
  private finishAfter(position: number, { sampleCount }: { readonly sampleCount: number }): number {
    const durationMs = newDurationMs(this.msPerSample, sampleCount);
    const { threads, idleWorkers } = this.workload;
    const rounds = Math.floor(position / threads);
    const worker = (position % threads) - idleWorkers; // idle ones come first
    const freeMs = worker < 0 ? this.nowMs : (this.freeAtMs[worker] ?? this.nowMs);
    return freeMs + (rounds + 1) * durationMs;
  }

  private knownDurationMs(ownMsPerSample: number | undefined, sampleCount: number): number | undefined {
    const msPerSample = ownMsPerSample ?? this.msPerSample;
    return msPerSample === undefined ? undefined : msPerSample * sampleCount;
  }
}

function lateAfter(durationMs: number): number;
function lateAfter(durationMs: number | undefined): number | undefined;
function lateAfter(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.max(LATE_AT_LEAST_MS, LATE_FACTOR * durationMs);
}

/** How long a new item takes; while nobody's pace is known, any time will do. */
export function newDurationMs(msPerSample: number | undefined, sampleCount: number): number {
  return (msPerSample ?? UNMEASURED_MS_PER_SAMPLE) * sampleCount || Number.EPSILON;
}
