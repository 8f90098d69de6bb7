/** The forecasts for all nodes at one moment, made when they are asked for. */

import { Forecast, newDurationMs } from './forecast.js';
import type { Pace } from './pace.js';
import type { Assignee } from './assignee.js';
import type { HeldItem } from './workload.js';

/** Slower by less than this is not slow. */
const SLOW_FACTOR = 1.5;
/** Nodes that nothing is known of are tried before those that are known: they may be the quickest of all. */
const UNKNOWN_FACTOR = 0.9;

export class Outlook<Node extends Assignee> {
  /** The pace of the quickest node; undefined while nobody's is known. */
  readonly quickestMsPerSample: number | undefined;
  private readonly assignees: readonly Node[];
  private readonly forecasts = new Map<Node, Forecast>();

  constructor(
    assignees: Iterable<Node>,
    private readonly paceOf: (assignee: Node) => Pace,
    readonly nowMs: number,
  ) {
    this.assignees = [...assignees];
    for (const assignee of this.assignees) {
      const { msPerSample } = paceOf(assignee);
      if (msPerSample === undefined) continue;
      this.quickestMsPerSample = Math.min(msPerSample, this.quickestMsPerSample ?? Infinity);
    }
  }

  /** Whether the node is known to take notably longer than another. */
  isSlow(assignee: Node): boolean {
    const { msPerSample } = this.paceOf(assignee);
    return msPerSample !== undefined && msPerSample >= SLOW_FACTOR * this.quickestMsPerSample!;
  }

  /** When the node would have done a new item. */
  newFinishMs(assignee: Node, sampleCount: number): number {
    return this.forecast(assignee).newFinishMs(sampleCount);
  }

  /** Of those that accept items and `isMeant` names, the one that would have a new item done first. */
  quickest(sampleCount: number, isMeant: (assignee: Node) => boolean): Node | undefined {
    let best: Node | undefined;
    let bestMs = Infinity;
    for (const assignee of this.assignees) {
      if (!assignee.accepting || !isMeant(assignee)) continue;
      const finishMs = this.newFinishMs(assignee, sampleCount);
      if (finishMs >= bestMs) continue;
      best = assignee;
      bestMs = finishMs;
    }
    return best;
  }

  /** Whether those that accept items and `isMeant` names will have done so many more by the given time. */
  reaches(count: number, timeMs: number, sampleCount: number, isMeant: (assignee: Node) => boolean): boolean {
    let done = 0;
    for (const assignee of this.assignees) {
      if (!assignee.accepting || !isMeant(assignee)) continue;
      done += this.forecast(assignee).capacityBy(timeMs, sampleCount);
      if (done >= count) return true;
    }
    return false;
  }

  isAnyoneIdle(): boolean {
    return this.assignees.some(({ accepting, workload }) => accepting && workload.idleWorkers > 0);
  }

  /** Those with a worker that has nothing to do, the quickest first. */
  idle(): Node[] {
    return this.assignees
      .filter(({ accepting, workload }) => accepting && workload.idleWorkers > 0)
      .sort((a, b) => this.idleDurationMs(a, 1) - this.idleDurationMs(b, 1));
  }

  /** How long a worker of the node that idles now would take for a new item. */
  idleDurationMs(assignee: Node, sampleCount: number): number {
    return newDurationMs(this.msPerSampleOf(assignee), sampleCount);
  }

  /** The least that an idle worker of any node might take for a new item. */
  leastDurationMs(sampleCount: number): number {
    const quickest = this.quickestMsPerSample;
    return newDurationMs(quickest && UNKNOWN_FACTOR * quickest, sampleCount);
  }

  /** When the first of an item's holders will have done it. */
  expectedMs(holders: Iterable<Node>, key: string): number {
    let earliestMs = Infinity;
    for (const holder of holders) {
      earliestMs = Math.min(earliestMs, this.forecast(holder).finishMs(key));
    }
    return earliestMs;
  }

  /** After how long an item that the node has begun is late; undefined while nobody's pace is known. */
  lateAfterMs(assignee: Node, item: HeldItem): number | undefined {
    return this.forecast(assignee).lateAfterMs(item);
  }

  /** When waiting alone will change a forecast. */
  nextChangeMs(): number {
    let earliestMs = Infinity;
    for (const assignee of this.assignees) {
      const forecast = this.forecast(assignee);
      for (const item of assignee.workload.items()) {
        earliestMs = Math.min(earliestMs, forecast.nextChangeMs(item));
      }
    }
    return earliestMs;
  }

  /** The node's workload has changed. */
  forget(assignee: Node): void {
    this.forecasts.delete(assignee);
  }

  private forecast(assignee: Node): Forecast {
    let forecast = this.forecasts.get(assignee);
    if (!forecast) {
      forecast = new Forecast(assignee.workload, this.msPerSampleOf(assignee), this.nowMs);
      this.forecasts.set(assignee, forecast);
    }
    return forecast;
  }

  private msPerSampleOf(assignee: Node): number | undefined {
    const { msPerSample } = this.paceOf(assignee);
    if (msPerSample !== undefined || this.quickestMsPerSample === undefined) return msPerSample;
    return UNKNOWN_FACTOR * this.quickestMsPerSample;
  }
}
