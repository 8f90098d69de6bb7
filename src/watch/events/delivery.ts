/** One subscriber's queue: bounded, emptied between training's own callbacks, and given up when the subscriber is at fault. */

import { describeError } from '../../foundation/errors.js';
import { TimeBudget } from './slowness.js';
import type { TimeAllowance } from './slowness.js';
import type { Subscriber } from './subscriber.js';

export interface DeliveryLimits {
  /** Messages that may wait. */
  readonly mostWaiting: number;
  /** For a promise that a call returns. */
  readonly callTimeoutMs: number;
  /** For what waits at the end, and then for the subscriber's `close`. */
  readonly closeTimeoutMs: number;
  readonly allowance: TimeAllowance;
}

export type Message = (subscriber: Subscriber) => void | Promise<void>;

/** Messages are handed over for this long at once; then the loop may do something else. */
const SLICE_MS = 5;

export class Delivery {
  private readonly waiting: Message[] = [];
  private readonly budget: TimeBudget;
  private isBusy = false;
  private isOver = false;
  private whenIdle: (() => void) | undefined;

  /** @param onDropped told once why the subscriber gets nothing more */
  constructor(
    readonly subscriber: Subscriber,
    private readonly limits: DeliveryLimits,
    private readonly onDropped: (reason: string) => void,
  ) {
    this.budget = new TimeBudget(limits.allowance, performance.now());
  }

  /** Never calls the subscriber itself. */
  push(message: Message): void {
    if (this.isOver) return;
    const { mostWaiting } = this.limits;
    if (this.waiting.length >= mostWaiting && this.subscriber.mayBeSlow !== true) {
      return this.drop(`${mostWaiting} events wait for it`);
    }
    this.waiting.push(message);
    this.schedule();
  }

  /** Delivers what waits, as far as that is possible in time, and closes the subscriber. */
  async close(): Promise<void> {
    await this.becomeIdle();
    await this.end();
  }

  private async becomeIdle(): Promise<void> {
    if (this.isOver || !this.isBusy) return;
    const idle = new Promise<void>((resolve) => (this.whenIdle = resolve));
    if (await isInTime(idle, this.limits.closeTimeoutMs)) return;
    this.drop(`${this.waiting.length} events still waited for it at the end`);
  }

  private async end(): Promise<void> {
    if (this.isOver) return;
    const { closeTimeoutMs } = this.limits;
    try {
      const closed = Promise.resolve(this.subscriber.close?.());
      if (!(await isInTime(closed, closeTimeoutMs))) {
        this.drop(`it did not end within ${closeTimeoutMs / 1000} s`);
      }
    } catch (error) {
      this.drop(describeError(error));
    }
    this.isOver = true;
  }

  private schedule(): void {
    if (this.isBusy) return;
    this.isBusy = true;
    setImmediate(() => void this.deliver());
  }

  private async deliver(): Promise<void> {
    const sliceEndMs = performance.now() + SLICE_MS;
    try {
      for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
        await this.hand(next);
        if (this.isOver) break;
        if (performance.now() >= sliceEndMs && this.waiting.length > 0) {
          setImmediate(() => void this.deliver());
          return;
        }
      }
    } catch (error) {
      this.drop(describeError(error));
    }
    this.isBusy = false;
    this.whenIdle?.();
  }

  private hand(message: Message): void | Promise<void> {
    const startedMs = performance.now();
    const outcome = message(this.subscriber);
    const nowMs = performance.now();
    if (!this.budget.spend(nowMs - startedMs, nowMs) && this.subscriber.mayBeSlow !== true) {
      this.drop(`it takes too much time: ${((nowMs - startedMs) / 1000).toFixed(1)} s for the last event`);
    }
    if (outcome instanceof Promise) return this.settle(outcome);
  }

  private async settle(outcome: Promise<void>): Promise<void> {
    const { callTimeoutMs } = this.limits;
    if (!(await isInTime(outcome, callTimeoutMs, 'background'))) {
      this.drop(`it has not taken an event for ${callTimeoutMs / 1000} s`);
    }
  }

  private drop(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.waiting.length = 0;
    this.onDropped(reason);
    this.whenIdle?.();
  }
}

/**
 * @param background does not keep the process alive
 * @returns false if the promise has not settled by then
 * @throws what it rejects with
 */
async function isInTime(
  promise: Promise<void>,
  timeoutMs: number,
  background?: 'background',
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
    if (background) timer.unref();
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
