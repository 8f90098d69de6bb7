/**
 * Time that passes only when nothing else is left to do: hours of a cluster take seconds. Events of the same moment happen in
 * the order in which they were planned, so a simulation is the same each time.
 */

import type { Clock } from '../foundation/clock.js';
import { invariant } from '../foundation/errors.js';
import { LeastHeap } from '../foundation/leastHeap.js';
import type { HeapEntry } from '../foundation/leastHeap.js';

/** Its value is its time, in milliseconds. */
interface Event extends HeapEntry {
  /** Undefined once it was taken back. */
  action: (() => void) | undefined;
  /** Whether code with promises may follow. */
  readonly mayContinue: boolean;
}

/** Events that were taken back are removed when there are this many, and half of all. */
const MOST_CANCELLED = 4096;

export class VirtualClock implements Clock {
  private timeMs = 0;
  private planned = 0;
  private cancelled = 0;
  private readonly events = new LeastHeap<Event>();

  nowMs(): number {
    return this.timeMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const event = this.plan(this.timeMs + Math.max(0, delayMs), action, true);
    return () => {
      if (event.action) this.cancelled++;
      event.action = undefined;
      this.sweep();
    };
  }

  /** The same for code that knows no promises: cheaper, and cannot be taken back. */
  at(timeMs: number, action: () => void): void {
    this.plan(Math.max(timeMs, this.timeMs), action, false);
  }

  /**
   * Lets time pass.
   * @param limitMs give up after this moment, which may move
   * @returns whether `isDone` holds; false if the limit is reached, or nothing is left that could happen
   */
  async passUntil(isDone: () => boolean, limitMs = (): number => Infinity): Promise<boolean> {
    await settle();
    while (!isDone()) {
      const event = this.events.removeTop();
      if (!event || event.value > limitMs()) return false;
      this.timeMs = event.value;
      const { action } = event;
      event.action = undefined;
      if (!action) {
        this.cancelled--;
        continue;
      }
      action();
      if (event.mayContinue) await settle();
    }
    return true;
  }

  private plan(timeMs: number, action: () => void, mayContinue: boolean): Event {
    invariant(!Number.isNaN(timeMs), 'an event at no time');
    const event = { value: timeMs, order: this.planned++, action, mayContinue };
    this.events.push(event);
    return event;
  }

  /** The schedule plans to look again, and takes it back, with every answer. */
  private sweep(): void {
    if (this.cancelled < MOST_CANCELLED || this.cancelled < this.events.size / 2) return;
    this.events.keep(({ action }) => action !== undefined);
    this.cancelled = 0;
  }
}

/** Resolves when every promise that could be continued has been. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
