/** Waiting for workers: before the run begins, and when a round has no worker left. */

import type { Clock } from '../../foundation/clock.js';
import { LockstepError } from '../../foundation/errors.js';
import type { EventListener } from '../run/events.js';
import { RateLimiter } from './rateLimiter.js';

/** Limits `waiting` events: a node that keeps joining and leaving causes one each time. */
const WAITING_EVENTS = { atOnce: 20, perMinute: 6 };

export interface AttendanceOptions {
  readonly onEvent: EventListener;
  /** Give up after this long without any node attached. */
  readonly waitTimeoutMs: number;
  /** What the user can do if no node attaches. */
  readonly remedy: string;
  /** Workers (threads) attached. */
  readonly workerCount: () => number;
  readonly clock: Clock;
}

/** Someone who waits until enough workers are attached. */
interface Waiter {
  readonly check: () => void;
  readonly fail: (error: Error) => void;
}

export class Attendance {
  private readonly waiters = new Set<Waiter>();
  private cancelTimeout: () => void = () => undefined;
  /** When a node that answers was last attached. */
  private lastUsefulMs = 0;
  private readonly waitingEvents = new RateLimiter(WAITING_EVENTS, WAITING_EVENTS);

  constructor(private readonly options: AttendanceOptions) {}

  /** Resolves when at least `count` workers are attached. @throws LockstepError E_NO_WORKERS after the wait timeout */
  waitFor(count: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const { workerCount, waitTimeoutMs, onEvent, clock } = this.options;
    if (workerCount() >= count) return Promise.resolve();
    onEvent({
      event: 'waiting',
      reason: `for ${count} worker(s)`,
      workersNeeded: count,
      timeoutSeconds: waitTimeoutMs / 1000,
    });
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        cancelTimer();
        this.waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      const waiter: Waiter = {
        check: () => {
          if (workerCount() >= count) settle(resolve);
        },
        fail: (error) => settle(() => reject(error)),
      };
      const onAbort = (): void => settle(() => reject(signal?.reason as Error));
      const cancelTimer = clock.after(waitTimeoutMs, () => settle(() => reject(this.noWorkersError(count))));
      this.waiters.add(waiter);
      signal?.addEventListener('abort', onAbort);
    });
  }

  nodeJoined(): void {
    this.cancelTimeout();
    for (const { check } of this.waiters) check();
  }

  /** The run has failed: everyone who waits for workers gets the error. */
  abort(error: Error): void {
    for (const { fail } of this.waiters) fail(error);
  }

  /** A node that has answered items was attached until now. */
  nodeWasUseful(): void {
    this.lastUsefulMs = this.options.clock.nowMs();
  }

  /** A round has no workers. Calls `giveUp` with the error when the wait timeout is over. */
  startWaiting(giveUp: (error: LockstepError) => void): void {
    this.cancelTimeout();
    const { waitTimeoutMs, onEvent, clock } = this.options;
    // A node that joins, answers nothing and leaves does not restart the timeout.
    const nowMs = clock.nowMs();
    const leftMs = Math.max(0, waitTimeoutMs - (nowMs - this.lastUsefulMs));
    if (this.waitingEvents.take('', nowMs)) {
      const reason = 'for workers: none attached';
      onEvent({ event: 'waiting', reason, workersNeeded: 1, timeoutSeconds: leftMs / 1000 });
    }
    this.cancelTimeout = clock.after(leftMs, () => giveUp(this.noWorkersError(1)));
  }

  stopWaiting(): void {
    this.cancelTimeout();
  }

  private noWorkersError(count: number): LockstepError {
    const { waitTimeoutMs, workerCount, remedy } = this.options;
    return new LockstepError(
      'E_NO_WORKERS',
      `${workerCount()} worker(s) attached, ${count} needed, and none came within ${waitTimeoutMs / 1000} s; ${remedy}`,
    );
  }
}
