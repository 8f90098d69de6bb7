/** Sums of a relay on a fake clock: which messages go up, and when. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GroupPatience } from '../../src/relay/groupPatience.js';
import { SiblingSums } from '../../src/worker/index.js';
import { hash32 } from '../support/numbers.js';

const NODES = 16;
/** Time between the items and the first answer. */
const FIRST_MS = 100;

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

interface Sent {
  readonly count: number;
  readonly atMs: number;
}

class Relay {
  private step = 0;
  private sent: Sent[] = [];
  private beganMs = 0;
  private readonly patience = new GroupPatience(() => NODES);
  private readonly sums = new SiblingSums({
    largest: () => NODES,
    send: ({ leaves, release }) => {
      this.sent.push({ count: leaves.length, atMs: performance.now() - this.beganMs });
      release();
    },
    untilMs: (...rest) => this.patience.untilMs(...rest),
  });

  /** @param answerMs when each node answers; infinite: it stalls @returns what was sent before the next step begins */
  async run(answerMs: readonly number[]): Promise<readonly Sent[]> {
    const step = ++this.step;
    this.sent = [];
    this.beganMs = performance.now();
    for (const first of answerMs.keys()) this.sums.begin(step, first);
    for (const [first, afterMs] of answerMs.entries()) {
      if (afterMs < Infinity) setTimeout(() => this.answer(step, first), afterMs);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    const { sent } = this;
    expect(sent.reduce((total, { count }) => total + count, 0)).toBe(
      answerMs.filter((afterMs) => afterMs < Infinity).length,
    );
    return sent;
  }

  private answer(step: number, first: number): void {
    this.sums.finish({
      ...{ step, first, leaves: [{ sampleCount: 1, lossSum: 0, correct: 0 }], release: () => undefined },
      ...{ gradientSum: new Float32Array(1), statisticSum: new Float32Array(1) },
      rounding: { format: 'float32', key: null },
    });
  }
}

/** The nodes are read one after the other, in another order each time. */
function spreadOver(spreadMs: number, step: number): number[] {
  const order = Array.from({ length: NODES }, (_, index) => index).sort(
    (a, b) => hash32(NODES * step + a) - hash32(NODES * step + b),
  );
  return order.map((place) => FIRST_MS + (place * spreadMs) / (NODES - 1));
}

async function settled(
  relay: Relay,
  answerMs: (step: number) => readonly number[],
): Promise<readonly Sent[]> {
  let sent: readonly Sent[] = [];
  for (let step = 0; step < 8; step++) sent = await relay.run(answerMs(step));
  return sent;
}

describe('what goes up from a relay', () => {
  for (const spreadMs of [0, 10, 60, 300, 1500]) {
    it(`is one sum a step, of nodes whose answers come ${spreadMs} ms apart, once that is known`, async () => {
      const sent = await settled(new Relay(), (step) => spreadOver(spreadMs, step));
      expect(sent.map(({ count }) => count)).toEqual([NODES]);
      expect(sent[0]!.atMs).toBeCloseTo(FIRST_MS + spreadMs, 3); // it waits for nothing else
    });
  }

  it('is hardly held back by a node that stalls: not as long as it takes to call an item late', async () => {
    const relay = new Relay();
    await settled(relay, (step) => spreadOver(60, step));
    const stalled = spreadOver(60, 99).map((afterMs, node) => (node === 5 ? Infinity : afterMs));
    const sent = await relay.run(stalled);
    expect(sent.map(({ count }) => count).sort()).toEqual([1, 2, 4, 8]);
    // Twice the usual time is late; the usual time here is that of the answers before.
    expect(Math.max(...sent.map(({ atMs }) => atMs))).toBeLessThan(2 * FIRST_MS);
    // One step like this changes nothing for the next.
    expect((await relay.run(spreadOver(60, 7))).map(({ count }) => count)).toEqual([NODES]);
  });

  it('waits at most as long as the others took, for a node that is always ten times as slow', async () => {
    const slowMs = 10 * FIRST_MS;
    const sent = await settled(new Relay(), (step) =>
      spreadOver(20, step).map((afterMs, node) => (node === 5 ? slowMs : afterMs)),
    );
    const [last, ...others] = [...sent].reverse();
    expect(last).toEqual({ count: 1, atMs: slowMs });
    expect(others.map(({ count }) => count).sort()).toEqual([1, 2, 4, 8]);
    expect(Math.max(...others.map(({ atMs }) => atMs))).toBeLessThanOrEqual(2 * (FIRST_MS + 20));
  });
});
