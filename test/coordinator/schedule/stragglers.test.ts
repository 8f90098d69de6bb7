import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hash32 } from '../../support/numbers.js';
import { SimulatedFleet, SimulatedNode } from '../../support/simulatedFleet.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const ITEM_MS = 100;
const SLOW = 10;
/** Steps until every node's pace is known and has settled. */
const WARM_UP = 12;
const MEASURED = 12;

interface Workers {
  readonly threads: number;
  readonly durationMs: number;
}

/** When the last of the items is done, each being given to whoever would have it done first: nothing of the product's. */
function makespan(workers: readonly Workers[], itemCount: number): number {
  const freeAt = workers.flatMap(({ threads, durationMs }) =>
    Array.from({ length: threads }, () => ({ atMs: 0, durationMs })),
  );
  for (let item = 0; item < itemCount; item++) {
    const first = freeAt.reduce((a, b) => (b.atMs + b.durationMs < a.atMs + a.durationMs ? b : a));
    first.atMs += first.durationMs;
  }
  return Math.max(...freeAt.map(({ atMs }) => atMs));
}

const nodeOf = ({ threads, durationMs }: Workers, index: number): SimulatedNode =>
  new SimulatedNode(`node ${index}`, threads, () => durationMs);

async function stepTimes(fleet: SimulatedFleet, itemCount: number, steps: number): Promise<number[]> {
  const times: number[] = [];
  for (let step = 0; step < steps; step++) times.push((await fleet.step(itemCount)).durationMs);
  return times;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Some nodes that take between one and twice as long as each other. */
const fastNodes = fc.array(
  fc.record({
    threads: fc.integer({ min: 1, max: 3 }),
    durationMs: fc.integer({ min: ITEM_MS, max: 2 * ITEM_MS }),
  }),
  { minLength: 1, maxLength: 7 },
);

describe('a worker that is ten times slower', () => {
  it('costs a step less than 0.3 of what it takes without that worker, whatever the fleet', async () => {
    await fc.assert(
      fc.asyncProperty(
        fastNodes,
        fc.integer({ min: 4, max: 16 }),
        fc.nat(7),
        async (fast, itemCount, place) => {
          const withoutMs = makespan(fast, itemCount);
          const nodes = fast.map(nodeOf);
          const slowMs = SLOW * Math.max(...fast.map(({ durationMs }) => durationMs));
          nodes.splice(place, 0, new SimulatedNode('slow', 1, () => slowMs));
          const fleet = new SimulatedFleet(nodes);
          await stepTimes(fleet, itemCount, WARM_UP);
          for (const time of await stepTimes(fleet, itemCount, MEASURED)) {
            expect(time / withoutMs).toBeLessThanOrEqual(1.3);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('does so too where durations vary by a tenth, on average', async () => {
    await fc.assert(
      fc.asyncProperty(
        fastNodes,
        fc.integer({ min: 4, max: 16 }),
        fc.nat(1000),
        async (fast, itemCount, seed) => {
          const vary = varying(seed);
          const slowest = Math.max(...fast.map(({ durationMs }) => durationMs));
          const nodes = fast.map(
            ({ threads, durationMs }, index) =>
              new SimulatedNode(`node ${index}`, threads, () => vary(durationMs)),
          );
          nodes.push(new SimulatedNode('slow', 1, () => vary(SLOW * slowest)));
          const fleet = new SimulatedFleet(nodes);
          await stepTimes(fleet, itemCount, WARM_UP);
          const withMs = mean(await stepTimes(fleet, itemCount, MEASURED));
          expect(withMs / (1.1 * makespan(fast, itemCount))).toBeLessThanOrEqual(1.3);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('holds up few steps when it becomes slow, and is used again when it has recovered', async () => {
    let durationMs = ITEM_MS;
    const turning = new SimulatedNode('turning', 1, () => durationMs);
    const fleet = new SimulatedFleet([new SimulatedNode('steady', 1, () => ITEM_MS), turning]);
    expect((await stepTimes(fleet, 8, WARM_UP)).at(-1)).toBe(4 * ITEM_MS);
    durationMs = SLOW * ITEM_MS;
    const slow = await stepTimes(fleet, 8, MEASURED);
    expect(Math.max(...slow)).toBeLessThanOrEqual(1.3 * 8 * ITEM_MS);
    expect((await fleet.step(8)).answeredBy).not.toContain(turning);
    durationMs = ITEM_MS;
    expect((await stepTimes(fleet, 8, 20)).at(-1)).toBe(4 * ITEM_MS);
    expect((await fleet.step(8)).answeredBy.filter((node) => node === turning)).toHaveLength(4);
  });

  it('does most of a step where there is more to do than the others could in the time it takes', async () => {
    const slow = Array.from(
      { length: 6 },
      (_, index) => new SimulatedNode(`slow ${index}`, 1, () => 3 * ITEM_MS),
    );
    const fleet = new SimulatedFleet([new SimulatedNode('quick', 1, () => ITEM_MS), ...slow]);
    await stepTimes(fleet, 27, WARM_UP);
    for (const time of await stepTimes(fleet, 27, MEASURED))
      expect(time).toBeLessThanOrEqual(1.3 * 9 * ITEM_MS);
  });
});

describe('a node that stalls for ever, attached as it is', () => {
  it('holds up few steps, each for about the time in which one of its workers is missed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fastNodes,
        fc.integer({ min: 1, max: 16 }),
        fc.nat(20),
        fc.integer({ min: 1, max: 3 }),
        async (others, itemCount, healthySteps, threads) => {
          let durationMs = ITEM_MS;
          const stalling = new SimulatedNode('stalling', threads, () => durationMs);
          const fleet = new SimulatedFleet([stalling, ...others.map(nodeOf)]);
          await stepTimes(fleet, itemCount, WARM_UP + healthySteps);
          durationMs = Infinity;
          const withoutMs = makespan(others, itemCount);
          const missedMs = 3 * 2 * ITEM_MS; // late after twice the time; the slowest other may wait for half as much again
          const times = await stepTimes(fleet, itemCount, MEASURED);
          expect(Math.max(...times)).toBeLessThanOrEqual(missedMs + 2 * withoutMs);
          // One for each of its workers, and those in which others are tried in their place.
          expect(times.filter((time) => time > 1.3 * withoutMs).length).toBeLessThanOrEqual(threads + 2);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('workers of about the same speed', () => {
  it('compute nothing twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 24 }),
        fc.nat(1000),
        async (threads, itemCount, seed) => {
          const vary = varying(seed);
          const nodes = threads.map(
            (each, index) => new SimulatedNode(`${index}`, each, () => vary(ITEM_MS)),
          );
          const fleet = new SimulatedFleet(nodes);
          const times = await stepTimes(fleet, itemCount, MEASURED);
          expect(nodes.reduce((sum, { begun }) => sum + begun, 0)).toBe(MEASURED * itemCount);
          const workers = threads.reduce((sum, each) => sum + each, 0);
          expect(Math.max(...times)).toBeLessThanOrEqual(1.1 * Math.ceil(itemCount / workers) * ITEM_MS + 1);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Up to a tenth more or less than asked for; a function of the seed. */
function varying(seed: number): (durationMs: number) => number {
  let calls = 0;
  return (durationMs) => durationMs * (1 + 0.1 * (hash32(seed * 7919 + calls++) / 2 ** 31 - 1));
}
