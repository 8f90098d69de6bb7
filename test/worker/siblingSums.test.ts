import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SiblingSums } from '../../src/worker/siblingSums.js';
import type { GradientSum } from '../../src/worker/siblingSums.js';
import { hashedValues } from '../support/numbers.js';
import { sumByDefinition } from '../support/sums.js';

const STEP = 4;
const TOOK_MS = 100;

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** Values over many magnitudes, so that another order of additions almost surely gives other bits. */
const gradientOf = (microBatch: number): Float32Array =>
  hashedValues(9, 100 * microBatch).map((value, place) => value * 10 ** ((microBatch + place) % 7));

class Scene {
  readonly sent: GradientSum[] = [];
  /** How often the memory of each micro-batch's gradient was given back. */
  readonly released = new Map<number, number>();
  readonly sums: SiblingSums;

  constructor(largest: number) {
    this.sums = new SiblingSums({
      largest: () => largest,
      send: (sum) => {
        // Sent means encoded: the memory may be used for something else from here on.
        const gradientSum = sum.gradientSum.slice();
        this.sent.push({ ...sum, gradientSum });
        sum.release();
      },
    });
  }

  begin(...microBatches: number[]): void {
    for (const microBatch of microBatches) this.sums.begin(STEP, microBatch);
  }

  finish(...microBatches: number[]): void {
    for (const microBatch of microBatches) this.finishOf(STEP, microBatch);
  }

  finishOf(step: number, microBatch: number): void {
    const gradientSum = gradientOf(microBatch);
    this.sums.finish({
      step,
      first: microBatch,
      leaves: [{ sampleCount: 4, lossSum: microBatch, correct: 1 }],
      rounding: { format: 'float32', key: null },
      gradientSum,
      statisticSum: gradientOf(microBatch).slice(0, 2),
      release: () => {
        this.released.set(microBatch, (this.released.get(microBatch) ?? 0) + 1);
        gradientSum.fill(NaN);
      },
    });
  }

  /** What was sent: the micro-batches of each message. */
  get ranges(): number[][] {
    return this.sent.map(({ leaves }) => leaves.map(({ lossSum }) => lossSum));
  }
}

describe('results of one node', () => {
  it('are added if they are siblings that are computed at the same time, whichever is done first', () => {
    for (const order of [
      [2, 3],
      [3, 2],
    ]) {
      const scene = new Scene(2);
      scene.begin(2, 3);
      vi.advanceTimersByTime(TOOK_MS);
      scene.finish(...order);
      expect(scene.ranges).toEqual([[2, 3]]);
      expect(scene.sent[0]).toMatchObject({ step: STEP, first: 2 });
      expect(scene.sent[0]!.gradientSum).toEqual(sumByDefinition([gradientOf(2), gradientOf(3)]));
      expect([...scene.released.values()]).toEqual([1, 1]);
    }
  });

  it('are sent at once if the sibling is not being computed here, neighbour or not', () => {
    const scene = new Scene(4);
    scene.begin(1, 2); // neighbours, but no siblings
    scene.finish(1);
    scene.finish(2);
    scene.begin(3); // too late
    expect(scene.ranges).toEqual([[1], [2]]);
  });

  it('are never added where sums are of no use', () => {
    const scene = new Scene(1);
    scene.begin(0, 1);
    scene.finish(0, 1);
    expect(scene.ranges).toEqual([[0], [1]]);
  });

  it('make sums of as many as there are threads, and no larger ones', () => {
    const scene = new Scene(4);
    scene.begin(0, 1, 2, 3);
    scene.finish(2);
    scene.begin(4);
    scene.finish(0);
    scene.begin(5);
    scene.finish(1);
    scene.begin(6);
    expect(scene.ranges).toEqual([]);
    scene.finish(3);
    scene.begin(7);
    expect(scene.ranges).toEqual([[0, 1, 2, 3]]);
    scene.finish(7, 6, 5, 4);
    expect(scene.ranges[1]).toEqual([4, 5, 6, 7]);
    expect(scene.sent[1]!.gradientSum).toEqual(sumByDefinition([4, 5, 6, 7].map(gradientOf)));
  });

  it('of three threads go in pairs', () => {
    const scene = new Scene(3);
    scene.begin(0, 1, 2);
    scene.finish(0, 1);
    expect(scene.ranges).toEqual([[0, 1]]);
  });

  it('do not wait for a larger sum than can come', () => {
    const scene = new Scene(4);
    scene.begin(0, 1, 2);
    scene.finish(0, 1);
    expect(scene.ranges).toEqual([[0, 1]]); // 3 is not computed here
    scene.finish(2);
    expect(scene.ranges).toEqual([[0, 1], [2]]);
  });
});

describe('a result that waits', () => {
  it('is sent by itself after a quarter of the time that it took', () => {
    const scene = new Scene(2);
    scene.begin(0, 1);
    vi.advanceTimersByTime(TOOK_MS);
    scene.finish(0);
    vi.advanceTimersByTime(TOOK_MS / 4 - 1);
    expect(scene.ranges).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(scene.ranges).toEqual([[0]]);
    scene.finish(1);
    expect(scene.ranges).toEqual([[0], [1]]);
  });

  it('waits no longer for being added to another that waits', () => {
    const scene = new Scene(4);
    scene.begin(0, 1, 2, 3);
    vi.advanceTimersByTime(TOOK_MS);
    scene.finish(0);
    vi.advanceTimersByTime(TOOK_MS / 4 - 1);
    scene.finish(1);
    vi.advanceTimersByTime(1);
    expect(scene.ranges).toEqual([[0, 1]]);
  });

  it.each<[string, (sums: SiblingSums) => void]>([
    ['its sibling could not be computed', (sums) => sums.fail(STEP, 1)],
    ['its sibling is to be answered by itself', (sums) => sums.keepApart(STEP, 1)],
    ['it is to be answered by itself', (sums) => sums.keepApart(STEP, 0)],
    ['everything is', (sums) => sums.flush()],
    ['the next step begins', (sums) => sums.begin(STEP + 1, 0)],
  ])('is sent when %s', (_when, happen) => {
    const scene = new Scene(2);
    scene.begin(0, 1);
    scene.finish(0);
    expect(scene.ranges).toEqual([]);
    happen(scene.sums);
    expect(scene.ranges).toEqual([[0]]);
    expect(vi.getTimerCount()).toBe(0);
    scene.finish(1); // of the step before, in the last case
    expect(scene.ranges).toEqual([[0], [1]]);
  });

  it('has whoever waits for it sent too, when it is sent', () => {
    const scene = new Scene(4);
    scene.begin(0, 1, 2, 3);
    scene.finish(0, 1, 2);
    expect(scene.ranges).toEqual([]);
    scene.sums.keepApart(STEP, 3);
    expect(scene.ranges.sort()).toEqual([[0, 1], [2]]);
  });

  it('is not added to one of another step', () => {
    const scene = new Scene(2);
    scene.begin(0, 1);
    scene.sums.begin(STEP + 1, 0);
    scene.finish(1);
    scene.finishOf(STEP + 1, 0);
    expect(scene.sent.map(({ step, first }) => [step, first])).toEqual([
      [STEP, 1],
      [STEP + 1, 0],
    ]);
  });
});

describe('whatever the order of things', () => {
  const event = fc.record({
    pick: fc.nat(1000),
    kind: fc.oneof(
      { weight: 12, arbitrary: fc.constant('begin') },
      { weight: 8, arbitrary: fc.constant('finish') },
      { weight: 1, arbitrary: fc.constantFrom('fail', 'apart', 'time') },
    ),
  });

  it('each result is sent once, in sums with the bits of the tree, and each memory is given back once', () => {
    let sumsSent = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 4, 8),
        fc.array(event, { minLength: 20, maxLength: 80 }),
        (threads, events) => {
          const scene = new Scene(threads);
          const running: number[] = [];
          const finished: number[] = [];
          const apart = new Set<number>();
          let next = 0;
          for (const { pick, kind } of events) {
            if (kind === 'begin' && running.length < threads) {
              if (pick % 9 === 0) next++; // another node has it
              running.push(next);
              scene.begin(next++);
            } else if (kind === 'apart') {
              const index = pick % (next + 2);
              scene.sums.keepApart(STEP, index);
              if (!finished.includes(index)) apart.add(index);
            } else if (kind === 'time') vi.advanceTimersByTime(pick % 50);
            else if ((kind === 'finish' || kind === 'fail') && running.length > 0) {
              const [index] = running.splice(pick % running.length, 1);
              if (kind === 'fail') scene.sums.fail(STEP, index!);
              else scene.finish(index!);
              if (kind === 'finish') finished.push(index!);
            }
          }
          scene.sums.flush();
          expect(vi.getTimerCount()).toBe(0);
          expect(scene.ranges.flat().sort((a, b) => a - b)).toEqual(finished.sort((a, b) => a - b));
          for (const { first, leaves, gradientSum } of scene.sent) {
            const indices = leaves.map((_, place) => first + place);
            expect(leaves.map(({ lossSum }) => lossSum)).toEqual(indices);
            expect(gradientSum).toEqual(sumByDefinition(indices.map(gradientOf)));
            expect(first % leaves.length).toBe(0);
            expect(leaves.length).toBeLessThanOrEqual(threads);
            if (leaves.length > 1) expect(indices.filter((index) => apart.has(index))).toEqual([]);
            if (leaves.length > 1) sumsSent++;
          }
          expect([...scene.released].filter(([, times]) => times !== 1)).toEqual([]);
          expect(scene.released.size).toBe(finished.length);
        },
      ),
      { numRuns: 300 },
    );
    expect(sumsSent).toBeGreaterThan(100);
  });
});
