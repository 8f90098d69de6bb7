import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { EventDispatcher } from '../../../src/watch/events/dispatcher.js';
import type { DeliveryLimits } from '../../../src/watch/events/delivery.js';
import { TimeBudget } from '../../../src/watch/events/slowness.js';
import type { Subscriber } from '../../../src/watch/events/subscriber.js';
import { until } from '../../support/waiting.js';

const notice = (message: string): RunEvent => ({ event: 'notice', message });

interface Heard {
  readonly subscriber: Subscriber;
  readonly messages: string[];
}

function listener(name = 'listener'): Heard {
  const messages: string[] = [];
  const on = (event: RunEvent): void => {
    if (event.event === 'notice') messages.push(event.message);
  };
  return { subscriber: { name, on }, messages };
}

/** As a run has it: what is said of a subscriber that was dropped is an event, too. */
function dispatcherOf(
  subscribers: readonly Subscriber[],
  limits: Partial<DeliveryLimits> = {},
): EventDispatcher {
  const dispatcher: EventDispatcher = new EventDispatcher({
    limits,
    onDropped: (message) => dispatcher.publish(notice(message), 0),
  });
  subscribers.forEach((subscriber) => dispatcher.subscribe(subscriber));
  return dispatcher;
}

const publish = (dispatcher: EventDispatcher, ...messages: readonly string[]): void =>
  messages.forEach((message) => dispatcher.publish(notice(message), 0));

describe('the dispatcher of events', () => {
  it('tells every subscriber every event in order, and none of them while the event is published', async () => {
    const [one, two] = [listener(), listener()];
    const dispatcher = dispatcherOf([one.subscriber, two.subscriber]);
    publish(dispatcher, 'a', 'b', 'c');
    expect([...one.messages, ...two.messages]).toEqual([]);
    await dispatcher.close();
    expect(one.messages).toEqual(['a', 'b', 'c']);
    expect(two.messages).toEqual(['a', 'b', 'c']);
  });

  it('waits for a promise before the next event, and keeps remarks in order with events', async () => {
    const told: string[] = [];
    const slow: Subscriber = {
      name: 'slow',
      on: async () => {
        told.push('begin');
        await new Promise((resolve) => setTimeout(resolve, 3));
        told.push('end');
      },
      onRemark: (message) => void told.push(message),
    };
    const dispatcher = dispatcherOf([slow]);
    publish(dispatcher, 'a');
    dispatcher.remark('between');
    publish(dispatcher, 'b');
    await dispatcher.close();
    expect(told).toEqual(['begin', 'end', 'between', 'begin', 'end']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('my fault');
      },
      {},
      /bad is told nothing more of this run: my fault/,
    ],
    [
      'rejects',
      () => Promise.reject(new Error('my fault')),
      {},
      /bad is told nothing more of this run: my fault/,
    ],
    [
      'hangs',
      () => new Promise<void>(() => undefined),
      { mostWaiting: 2 },
      /bad is told nothing more of this run: 2 events wait for it/,
    ],
    [
      'hangs while little happens',
      () => new Promise<void>(() => undefined),
      { callTimeoutMs: 5 },
      /it has not taken an event for 0.005 s/,
    ],
    [
      'keeps the thread busy',
      () => busy(1200),
      { allowance: { burstMs: 1000, share: 0 } }, // more than a busy machine makes the good one wait for the processor
      /it takes too much time/,
    ],
  ] as const)(
    'drops a subscriber that %s, with a notice, and tells the others on',
    async (_name, on, limits, reason) => {
      const good = listener('good');
      let calls = 0;
      const bad: Subscriber = { name: 'bad', on: () => (calls++, on()) };
      const dispatcher = dispatcherOf([bad, good.subscriber], limits);
      publish(dispatcher, 'a');
      await until(() => good.messages.includes('a') && calls === 1);
      publish(dispatcher, 'b');
      await until(() => good.messages.includes('b'));
      publish(dispatcher, 'c');
      await until(() => good.messages.includes('c'));
      publish(dispatcher, 'd');
      await until(() => good.messages.some((message) => reason.test(message)));
      publish(dispatcher, 'e');
      await dispatcher.close();
      expect(good.messages.filter((message) => message.length === 1)).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(good.messages.filter((message) => reason.test(message))).toHaveLength(1);
      expect(calls).toBe(1);
    },
  );

  it('drops no terminal for being slow', async () => {
    const terminal = { ...listener('terminal').subscriber, mayBeSlow: true };
    const heard: string[] = [];
    terminal.on = (event) => {
      busy(5);
      if (event.event === 'notice') heard.push(event.message);
    };
    const dispatcher = dispatcherOf([terminal], { mostWaiting: 1, allowance: { burstMs: 0, share: 0 } });
    publish(dispatcher, 'a', 'b', 'c');
    await dispatcher.close();
    expect(heard).toEqual(['a', 'b', 'c']);
  });

  it('closes its subscribers, and does not wait for ever for one that does not end', async () => {
    const terminal = { ...listener('terminal'), closed: false };
    const shown: Subscriber = {
      ...terminal.subscriber,
      mayBeSlow: true,
      close: () => void (terminal.closed = true),
    };
    const stuck: Subscriber = {
      name: 'stuck',
      on: () => undefined,
      close: () => new Promise(() => undefined),
    };
    const hung: Subscriber = { name: 'hung', on: () => new Promise(() => undefined) };
    const dispatcher = dispatcherOf([shown, stuck, hung], { closeTimeoutMs: 500 });
    publish(dispatcher, 'a', 'b');
    await dispatcher.close();
    expect(terminal.closed).toBe(true);
    expect(terminal.messages.slice(0, 2)).toEqual(['a', 'b']);
    expect(terminal.messages.slice(2).join()).toMatch(/stuck .* did not end within 0.5 s/);
    expect(terminal.messages.slice(2).join()).toMatch(/hung .* 1 events still waited for it at the end/);
    publish(dispatcher, 'late'); // nobody is there any more
    expect(terminal.messages).not.toContain('late');
  });

  it('lets no subscriber change what the next one sees', async () => {
    const vandal: Subscriber = { name: 'vandal', on: (event) => void Object.assign(event, { message: 'x' }) };
    const good = listener('good');
    const dispatcher = dispatcherOf([vandal, good.subscriber]);
    publish(dispatcher, 'a');
    await dispatcher.close();
    expect(good.messages[0]).toBe('a');
  });
});

describe('the time that a subscriber may take', () => {
  it('is a burst, and then a share of the time that passes', () => {
    const budget = new TimeBudget({ burstMs: 100, share: 0.1 }, 0);
    expect(budget.spend(100, 100)).toBe(true);
    expect(budget.spend(10, 200)).toBe(true);
    expect(budget.spend(11, 300)).toBe(false);
    expect(new TimeBudget({ burstMs: 100, share: 0.1 }, 0).spend(101, 1e6)).toBe(false);
  });
});

function busy(forMs: number): void {
  const startedMs = performance.now();
  while (performance.now() - startedMs < forMs);
}
