import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkCard } from '../../src/simulate/networkCard.js';
import { Processor } from '../../src/simulate/processor.js';
import { VirtualClock } from '../../src/simulate/virtualClock.js';

const never = (): boolean => false;

describe('a virtual clock', () => {
  it('lets everything happen in its order, and nothing that was taken back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 20 }), isCancelled: fc.boolean() }), {
          maxLength: 200,
        }),
        async (plans) => {
          const clock = new VirtualClock();
          const happened: [number, number][] = [];
          const takeBack = plans.map(({ delayMs }, index) =>
            clock.after(delayMs, () => happened.push([clock.nowMs(), index])),
          );
          plans.forEach(({ isCancelled }, index) => isCancelled && takeBack[index]!());
          expect(await clock.passUntil(never)).toBe(false);
          const expected = plans
            .map(({ delayMs, isCancelled }, index) => ({ delayMs, isCancelled, index }))
            .filter(({ isCancelled }) => !isCancelled)
            .sort((a, b) => a.delayMs - b.delayMs || a.index - b.index)
            .map(({ delayMs, index }) => [delayMs, index]);
          expect(happened).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('forgets what is taken back in great numbers', async () => {
    const clock = new VirtualClock();
    let isDone = false;
    clock.after(2, () => (isDone = true));
    for (let count = 0; count < 20_000; count++) clock.after(1, () => expect.unreachable())();
    expect(await clock.passUntil(() => isDone)).toBe(true);
    expect(clock.nowMs()).toBe(2);
  });

  it('waits for what promises lead to before it goes on', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.after(1, () => {
      void Promise.resolve()
        .then(() => undefined)
        .then(() => clock.after(0, () => order.push('follows')));
    });
    clock.after(2, () => order.push('later'));
    await clock.passUntil(never);
    expect(order).toEqual(['follows', 'later']);
  });

  it('stops at its limit', async () => {
    const clock = new VirtualClock();
    clock.after(5, () => expect.unreachable());
    expect(await clock.passUntil(never, () => 4)).toBe(false);
  });
});

describe('a simulated processor', () => {
  it('does one job after another, with what each leads to', async () => {
    const clock = new VirtualClock();
    const processor = new Processor(clock);
    const times: number[] = [];
    processor.run(3, () => {
      times.push(clock.nowMs());
      expect(processor.work(4)).toBe(7);
    });
    processor.run(2, () => times.push(clock.nowMs()));
    await clock.passUntil(() => times.length === 2);
    expect(times).toEqual([3, 9]);
    expect(processor.busyMs).toBe(9);
  });
});

describe('a simulated network card', () => {
  const card = (clock: VirtualClock, bytesPerMs: number): NetworkCard =>
    new NetworkCard({ clock, bytesPerMs, pieceBytes: 10, drawShare: () => 1 });

  it('shares its rate out among its connections', async () => {
    const clock = new VirtualClock();
    const [from, to] = [card(clock, 10), card(clock, Infinity)];
    const arrived: [string, number][] = [];
    for (const [name, byteCount] of [
      ['large', 100],
      ['small', 20],
    ] as const) {
      from.connection()({
        ...{ byteCount, to, latencyMs: 0, onSent: () => undefined },
        onArrived: () => arrived.push([name, clock.nowMs()]),
      });
    }
    await clock.passUntil(() => arrived.length === 2);
    expect(arrived).toEqual([
      ['small', 4],
      ['large', 12],
    ]);
    expect([from.bytesOut, from.busyOutMs, to.bytesIn]).toEqual([120, 12, 120]);
  });

  it('receives at its own rate, while the sender sends', async () => {
    const clock = new VirtualClock();
    const [one, other, to] = [card(clock, 20), card(clock, 20), card(clock, 20)];
    const arrivedMs: number[] = [];
    for (const from of [one, other]) {
      from.connection()({
        ...{ byteCount: 100, to, latencyMs: 3, onSent: () => undefined },
        onArrived: () => arrivedMs.push(clock.nowMs()),
      });
    }
    await clock.passUntil(() => arrivedMs.length === 2);
    expect(arrivedMs).toEqual([12.5, 13]); // 200 bytes at 20, and the latency
  });
});
