/** Waiting for workers: before the run begins, and when a round has nobody left to do it. */

import { LockstepError } from '../../foundation/errors.js';
import type { EventListener } from '../run/events.js';
import { Rations } from './rateLimiter.js';

/** Of being told that nobody is left: a node that comes and goes makes it so each time. */
const LONELY_NEWS = { atOnce: 20, perMinute: 6 };

export interface AttendanceOptions {
  readonly onEvent: EventListener;
  /** How long to wait, with nobody attached, before giving up. */
  readonly waitTimeoutMs: number;
  /** What to do if nobody comes, in this command's words. */
  readonly remedy: string;
  /** Workers (threads) attached. */
  readonly workerCount: () => number;
}

export class Attendance {
  private readonly checks = new Set<() => void>();
  private lonelyTimer: NodeJS.Timeout | undefined;
  /** Since when nobody has been there who ever answered anything. */
  private lonelySinceMs = 0;
  private readonly lonelyNews = new Rations(LONELY_NEWS, LONELY_NEWS);

  constructor(private readonly options: AttendanceOptions) {}

  /** Resolves when at least `count` workers are attached. @throws LockstepError E_NO_WORKERS after the wait timeout */
  waitFor(count: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const { workerCount, waitTimeoutMs, onEvent } = this.options;
    if (workerCount() >= count) return Promise.resolve();
    onEvent({ event: 'waiting', reason: `for ${count} worker(s)`, timeoutSeconds: waitTimeoutMs / 1000 });
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        this.checks.delete(check);
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      const check = (): void => {
        if (workerCount() >= count) settle(resolve);
      };
      const onAbort = (): void => settle(() => reject(signal?.reason as Error));
      const timer = setTimeout(() => settle(() => reject(this.nobodyCame(count))), waitTimeoutMs);
      this.checks.add(check);
      signal?.addEventListener('abort', onAbort);
    });
  }

  somebodyCame(): void {
    clearTimeout(this.lonelyTimer);
    for (const check of this.checks) check();
  }

  /** Somebody who did answer was there until now. */
  wasOfUse(): void {
    this.lonelySinceMs = performance.now();
  }

  /** A round has nobody to do it: after so long, and no longer, `giveUp` is called with the reason. */
  lonely(giveUp: (reason: LockstepError) => void): void {
    clearTimeout(this.lonelyTimer);
    const { waitTimeoutMs, onEvent } = this.options;
    // A node that comes, does nothing and goes again does not start the clock anew.
    const nowMs = performance.now();
    const leftMs = Math.max(0, waitTimeoutMs - (nowMs - this.lonelySinceMs));
    if (this.lonelyNews.take('', nowMs)) {
      onEvent({ event: 'waiting', reason: 'for a worker, for none is left', timeoutSeconds: leftMs / 1000 });
    }
    this.lonelyTimer = setTimeout(() => giveUp(this.nobodyCame(1)), leftMs);
  }

  /** Nobody is waited for any more, or somebody is there. */
  notLonely(): void {
    clearTimeout(this.lonelyTimer);
  }

  private nobodyCame(count: number): LockstepError {
    const { waitTimeoutMs, workerCount, remedy } = this.options;
    return new LockstepError(
      'E_NO_WORKERS',
      `${workerCount()} worker(s) attached, ${count} needed, and none came within ${waitTimeoutMs / 1000} s; ${remedy}`,
    );
  }
}
