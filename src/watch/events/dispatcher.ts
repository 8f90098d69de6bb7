/**
 * Passes a run's events to everything that listens. `publish` only puts the event into queues: what a subscriber does
 * happens later, in a callback of its own, so none of them can stop training or make it wait.
 */

import type { RunEvent } from '../../coordinator/index.js';
import { Delivery } from './delivery.js';
import type { DeliveryLimits, Message } from './delivery.js';
import { USUAL_ALLOWANCE } from './slowness.js';
import type { Subscriber } from './subscriber.js';

const USUAL_LIMITS: DeliveryLimits = {
  mostWaiting: 4096,
  callTimeoutMs: 30_000,
  closeTimeoutMs: 10_000,
  allowance: USUAL_ALLOWANCE,
};

export interface DispatcherOptions {
  /** Gets the sentence about a subscriber that was dropped. It is to be published as a notice. */
  readonly onDropped: (message: string) => void;
  readonly limits?: Partial<DeliveryLimits>;
}

export class EventDispatcher {
  private readonly deliveries = new Set<Delivery>();

  constructor(private readonly options: DispatcherOptions) {}

  /** From now on the subscriber is told everything. */
  subscribe(subscriber: Subscriber): void {
    const limits = { ...USUAL_LIMITS, ...this.options.limits };
    const delivery = new Delivery(subscriber, limits, (reason) => {
      this.deliveries.delete(delivery);
      this.options.onDropped(
        `${subscriber.name} is told nothing more of this run: ${reason}. Training goes on without it`,
      );
    });
    this.deliveries.add(delivery);
  }

  /** @param timeMs the moment of the event, since 1970 */
  publish(event: RunEvent, timeMs: number): void {
    Object.freeze(event); // no listener can change what the next one sees
    this.send((subscriber) => subscriber.on(event, timeMs));
  }

  remark(message: string): void {
    this.send((subscriber) => subscriber.onRemark?.(message));
  }

  /** Ends all subscribers: first those that may still have something to say, last the terminal, which shows it. */
  async close(): Promise<void> {
    const isLast = ({ subscriber }: Delivery): boolean => subscriber.mayBeSlow === true;
    const all = [...this.deliveries];
    await Promise.all(all.filter((delivery) => !isLast(delivery)).map((delivery) => delivery.close()));
    await Promise.all(all.filter(isLast).map((delivery) => delivery.close()));
    this.deliveries.clear();
  }

  private send(message: Message): void {
    for (const delivery of [...this.deliveries]) delivery.push(message);
  }
}
