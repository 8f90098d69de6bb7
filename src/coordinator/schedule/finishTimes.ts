/** When each node will have finished what it has, or might be given: the forecasts for all nodes at one moment. */

import { Forecast, lateAfterMs, newDurationMs, nextChangeMs } from './forecast.js';
import { LeastFirst } from './leastFirst.js';
import type { Pace } from './pace.js';
import type { Assignee } from './assignee.js';
import type { ItemKey } from './itemKey.js';
import type { HeldItem } from './workload.js';

/** A node is slow if it takes this many times as long as the quickest one. */
const SLOW_FACTOR = 1.5;
/** A node that has not been measured counts as this much quicker than the quickest one, so that it is tried first. */
const UNKNOWN_FACTOR = 0.9;

export class FinishTimes<Node extends Assignee> {
  private readonly forecasts = new Map<Node, Forecast>();
  /** The nodes that would finish a new item of so many samples first. */
  private readonly rankings = new Map<number, LeastFirst<Node>>();
  /** Infinite while none has been measured; undefined until it is asked for. */
  private quickestPace: number | undefined;

  constructor(
    private readonly assignees: Iterable<Node>,
    private readonly paceOf: (assignee: Node) => Pace,
    readonly nowMs: number,
  ) {}

  /** The pace of the quickest node; undefined while none has been measured. */
  get quickestMsPerSample(): number | undefined {
    if (this.quickestPace === undefined) {
      this.quickestPace = Infinity;
      for (const assignee of this.assignees) {
        const { msPerSample = Infinity } = this.paceOf(assignee);
        if (msPerSample < this.quickestPace) this.quickestPace = msPerSample;
      }
    }
    return this.quickestPace === Infinity ? undefined : this.quickestPace;
  }

  /** Whether the node is known to take much longer than the quickest one. */
  isSlow(assignee: Node): boolean {
    const { msPerSample } = this.paceOf(assignee);
    return msPerSample !== undefined && msPerSample >= SLOW_FACTOR * this.quickestMsPerSample!;
  }

  /** When the node would have finished a new item. */
  newFinishMs(assignee: Node, sampleCount: number): number {
    // Nothing waits where a worker is idle: its forecast would say the same.
    if (assignee.workload.idleWorkers > 0) return this.nowMs + this.idleDurationMs(assignee, sampleCount);
    return this.forecast(assignee).newFinishMs(sampleCount);
  }

  /**
   * The node that would finish a new item first, among those that accept items, have room, and for which `isMeant` holds. A
   * node that has no room at this moment is not thought of again.
   */
  quickest(sampleCount: number, isMeant: (assignee: Node) => boolean): Node | undefined {
    let ranking = this.rankings.get(sampleCount);
    if (!ranking) {
      const finishMs = (one: Node): number =>
        one.accepting && one.workload.hasRoom ? this.newFinishMs(one, sampleCount) : Infinity;
      ranking = new LeastFirst(this.withRoom(), finishMs);
      this.rankings.set(sampleCount, ranking);
    }
    return ranking.find(isMeant);
  }

  /** Whether the nodes that accept items, and for which `isMeant` holds, would finish `count` new items by `timeMs`. */
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
    for (const { accepting, workload } of this.assignees) {
      if (accepting && workload.idleWorkers > 0) return true;
    }
    return false;
  }

  /** The nodes with an idle worker, the quickest first. */
  idle(): Node[] {
    return [...this.assignees]
      .filter(({ accepting, workload }) => accepting && workload.idleWorkers > 0)
      .sort((a, b) => this.idleDurationMs(a, 1) - this.idleDurationMs(b, 1));
  }

  /** How long an idle worker of the node would take for a new item. */
  idleDurationMs(assignee: Node, sampleCount: number): number {
    return newDurationMs(this.msPerSampleOf(assignee), sampleCount);
  }

  /** The shortest time that an idle worker of any node might take for a new item. */
  leastDurationMs(sampleCount: number): number {
    const quickest = this.quickestMsPerSample;
    return newDurationMs(quickest && UNKNOWN_FACTOR * quickest, sampleCount);
  }

  /** When the first of an item's holders will have finished it. */
  expectedMs(holders: Iterable<Node>, key: ItemKey): number {
    let earliestMs = Infinity;
    for (const holder of holders) {
      earliestMs = Math.min(earliestMs, this.forecast(holder).finishMs(key));
    }
    return earliestMs;
  }

  /** How long after its start an item is late; undefined while no node has been measured. */
  lateAfterMs(assignee: Node, item: HeldItem): number | undefined {
    return lateAfterMs(item, this.msPerSampleOf(assignee));
  }

  /** When a forecast will change by the passing of time alone. */
  nextChangeMs(): number {
    let earliestMs = Infinity;
    for (const assignee of this.assignees) {
      for (const item of assignee.workload.items()) {
        earliestMs = Math.min(earliestMs, nextChangeMs(item, this.msPerSampleOf(assignee), this.nowMs));
      }
    }
    return earliestMs;
  }

  /** Drops the node's forecast: its workload has changed. */
  forget(assignee: Node): void {
    this.forecasts.delete(assignee);
  }

  private *withRoom(): Iterable<Node> {
    for (const assignee of this.assignees) {
      if (assignee.accepting && assignee.workload.hasRoom) yield assignee;
    }
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
