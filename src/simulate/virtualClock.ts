/**
 * Time that passes only when nothing else is left to do: hours of a cluster take seconds. Events of the same moment happen in
 * the order in which they were planned, so a simulation is the same each time.
 */

import type { Clock } from '../foundation/clock.js';
import { invariant } from '../foundation/errors.js';

interface Event {
  readonly timeMs: number;
  readonly order: number;
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
  /** A binary heap: no event is earlier than the one at half its place. */
  private heap: Event[] = [];

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
   * @param limitMs give up after this moment
   * @returns whether `isDone` holds; false if the limit is reached, or nothing is left that could happen
   */
  async passUntil(isDone: () => boolean, limitMs = Infinity): Promise<boolean> {
    await settle();
    while (!isDone()) {
      const event = this.next();
      if (!event || event.timeMs > limitMs) return false;
      this.timeMs = event.timeMs;
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
    const event = { timeMs, order: this.planned++, action, mayContinue };
    this.heap.push(event);
    this.rise(this.heap.length - 1);
    return event;
  }

  private next(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first;
    heap[0] = last;
    this.sink(0);
    return first;
  }

  private rise(from: number): void {
    const { heap } = this;
    const event = heap[from]!;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isEarlier(event, heap[above]!)) break;
      heap[place] = heap[above]!;
      place = above;
    }
    heap[place] = event;
  }

  private sink(from: number): void {
    const { heap } = this;
    const event = heap[from]!;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isEarlier(heap[below + 1]!, heap[below]!)) below++;
      if (!isEarlier(heap[below]!, event)) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = event;
  }

  /** The schedule plans to look again, and takes it back, with every answer. */
  private sweep(): void {
    if (this.cancelled < MOST_CANCELLED || this.cancelled < this.heap.length / 2) return;
    this.heap = this.heap.filter(({ action }) => action);
    this.cancelled = 0;
    for (let place = (this.heap.length >> 1) - 1; place >= 0; place--) this.sink(place);
  }
}

function isEarlier(one: Event, other: Event): boolean {
  return one.timeMs < other.timeMs || (one.timeMs === other.timeMs && one.order < other.order);
}

/** Resolves when every promise that could be continued has been. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
