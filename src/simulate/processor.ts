/** A thread that does one thing after another: the event loop of a coordinator, a relay or a node. */

import type { VirtualClock } from './virtualClock.js';

interface Job {
  readonly costMs: number;
  readonly action: () => void;
}

export class Processor {
  /** Time that it has worked so far. */
  busyMs = 0;
  private freeAtMs = 0;
  private readonly waiting: Job[] = [];
  private isBusy = false;

  /** Whether it waits for something to do. */
  get isIdle(): boolean {
    return !this.isBusy;
  }

  constructor(private readonly clock: VirtualClock) {}

  /** Works for some time, as soon as all earlier jobs are done, and then calls `action`. */
  run(costMs: number, action: () => void): void {
    this.waiting.push({ costMs, action });
    if (!this.isBusy) this.begin();
  }

  /** Works for some time at once: what an action leads to belongs to its job. @returns when it is done */
  work(costMs: number): number {
    this.busyMs += costMs;
    this.freeAtMs = Math.max(this.freeAtMs, this.clock.nowMs()) + costMs;
    return this.freeAtMs;
  }

  private begin(): void {
    const job = this.waiting.shift();
    this.isBusy = job !== undefined;
    if (!job) return;
    const doneAtMs = this.work(job.costMs);
    this.clock.after(doneAtMs - this.clock.nowMs(), () => {
      job.action();
      // What follows from it by promises comes before the next job.
      this.clock.at(this.clock.nowMs(), () => this.begin());
    });
  }
}
