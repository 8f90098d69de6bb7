/** What must hold of a simulated cluster on every machine: closed forms, and what the schedule promises. */

import { describe, expect, it } from 'vitest';
import { inFlags } from '../../src/cli/options/inFlags.js';
import { simulateCluster, summarise } from '../../src/simulate/index.js';
import type { ClusterPlan, ClusterSummary } from '../../src/simulate/index.js';
import { rejectionOf } from '../support/errors.js';
import { FREE, planWith } from './plans.js';

async function summaryOf(plan: ClusterPlan): Promise<ClusterSummary> {
  return summarise(plan, await simulateCluster(plan));
}

/** 100 Mbit/s. */
const SLOW_LINK = 12_500;
/** What a gradient and the weights take, but for a few bytes of names and counters. */
const VECTOR_BYTES = 4 * 251_000;

describe('a simulated cluster', () => {
  it('has the same figures each time for the same seed, and others for another', async () => {
    const plan = planWith({
      ...{ nodes: 12, relays: [3], computeSpread: 0.3, unevenShares: 0.7, latencyMs: 0.5 },
      bytesPerMs: { coordinator: 125_000, relay: 125_000, node: SLOW_LINK },
      ...{ slow: { nodes: 2, factor: 3 }, failures: { perNodeHour: 200, awayMs: 500 } },
    });
    const figures = await simulateCluster(plan);
    expect(await simulateCluster(plan)).toEqual(figures);
    expect(await simulateCluster({ ...plan, seed: 2 })).not.toEqual(figures);
  });

  it.each([1, 3])('with free messages takes as long as computing: %i item(s) each', async (items) => {
    const plan = planWith({ nodes: 16, batchSize: 16 * 8 * items });
    const { stepMs, efficiency, limit, computedPerItem } = await summaryOf(plan);
    expect(stepMs.median).toBeCloseTo(100 * items, 6);
    expect(stepMs.p90).toBeCloseTo(100 * items, 6);
    expect(efficiency).toBeCloseTo(1, 6);
    expect(computedPerItem).toBe(1);
    expect(limit).toMatchObject({ resource: 'compute' });
  });

  it('with one node takes the way there, computing, and the way back', async () => {
    const bytesPerMs = { coordinator: SLOW_LINK, relay: Infinity, node: Infinity };
    const plan = planWith({ nodes: 1, latencyMs: 5, bytesPerMs });
    const { stepMs, places } = await summaryOf(plan);
    const [coordinator] = places;
    expect(coordinator!.bytesIn).toBeGreaterThan(VECTOR_BYTES);
    expect(coordinator!.bytesIn).toBeLessThan(VECTOR_BYTES + 300);
    const wayMs = (coordinator!.bytesIn + coordinator!.bytesOut) / SLOW_LINK;
    expect(stepMs.median).toBeCloseTo(wayMs + 100 + 2 * 5, 3);
  });

  it('on a slow link takes the bytes of all nodes at its rate, out and then in', async () => {
    const bytesPerMs = { coordinator: SLOW_LINK, relay: Infinity, node: Infinity };
    const { stepMs, limit } = await summaryOf(planWith({ nodes: 16, bytesPerMs, computeMs: 10 }));
    const itemBytes = 8 * (3072 + 1);
    const expectedMs = (16 * (2 * VECTOR_BYTES + itemBytes)) / SLOW_LINK + 10;
    expect(Math.abs(stepMs.median / expectedMs - 1)).toBeLessThan(0.03);
    expect(limit.place).toBe('coordinator');
    expect(limit.resource).toMatch(/^network /);
  });

  it('behind relays sends the weights once a relay, and gets one sum from each', async () => {
    const star = planWith({ nodes: 64 });
    const tree = { ...star, relays: [16] };
    const [alone, behind] = [await summaryOf(star), await summaryOf(tree)];
    const itemBytes = 64 * 8 * (3072 + 1);
    const weightsOf = ({ places }: ClusterSummary): number => places[0]!.bytesOut - itemBytes;
    expect(Math.abs(weightsOf(alone) / weightsOf(behind) - 4)).toBeLessThan(0.1);
    expect(alone.answerMessages).toBe(64);
    expect(behind.answerMessages).toBe(16);
    expect(Math.abs(alone.places[0]!.bytesIn / behind.places[0]!.bytesIn - 4)).toBeLessThan(0.1);
    expect(behind.answersPerItem).toBe(1);
  });

  it('of two levels of relays answers every item once as well', async () => {
    const { places, answersPerItem, answerMessages, stepMs } = await summaryOf(
      planWith({ nodes: 64, relays: [4, 16] }),
    );
    expect(places.map(({ name, level, machines }) => [name, level, machines])).toEqual([
      ['coordinator', undefined, 1],
      ['relay', 1, 4],
      ['relay', 2, 16],
      ['node', undefined, 64],
    ]);
    expect(answersPerItem).toBe(1);
    expect(answerMessages).toBe(4);
    expect(stepMs.median).toBeCloseTo(100, 6);
  });

  it('sends sums from nodes of several threads', async () => {
    const { answerMessages } = await summaryOf(planWith({ nodes: 4, threads: 8 }));
    expect(answerMessages).toBe(4);
  });

  it('loses no step by nodes that die, and computes again what each had begun, once', async () => {
    const plan = planWith({
      ...{ nodes: 8, warmUpSteps: 0, steps: 40, latencyMs: 0.1 },
      failures: { perNodeHour: 600, awayMs: 2000 },
    });
    const steps = await simulateCluster(plan);
    const failures = steps.reduce((sum, step) => sum + step.failures, 0);
    const computed = steps.reduce((sum, step) => sum + step.computed, 0);
    expect(steps).toHaveLength(40);
    expect(failures).toBeGreaterThan(2);
    expect(computed).toBeGreaterThan(40 * 8);
    expect(computed).toBeLessThanOrEqual(40 * 8 + failures);
    expect(Math.max(...steps.map(({ stepMs }) => stepMs))).toBeLessThan(3 * 100 + 10);
  });

  it('begins although its nodes would never all be there at once, and goes on with those that are', async () => {
    // To attach them all takes the coordinator longer than a node lives.
    const costs = { ...FREE, perMessageMs: 20 };
    const failures = { perNodeHour: 3600, awayMs: 600_000 };
    const plan = planWith({ ...{ nodes: 64, warmUpSteps: 0, steps: 2, batchSize: 64 }, costs, failures });
    const steps = await simulateCluster(plan);
    expect(steps).toHaveLength(2);
    expect(steps.reduce((sum, step) => sum + step.failures, 0)).toBeGreaterThan(20);
  });

  it('may take days for all of its steps together', async () => {
    const steps = await simulateCluster(planWith({ nodes: 1, computeMs: 1e7, warmUpSteps: 0, steps: 20 }));
    expect(steps.map(({ stepMs }) => stepMs)).toEqual(Array.from({ length: 20 }, () => 1e7));
  });

  it('repeats the item of a straggler, and does not wait for it', async () => {
    const { stepMs, computedPerItem } = await summaryOf(planWith({ slow: { nodes: 1, factor: 20 } }));
    expect(stepMs.median).toBeLessThan(250);
    expect(computedPerItem).toBeGreaterThanOrEqual(1);
    const [first] = await simulateCluster(
      planWith({ slow: { nodes: 1, factor: 20 }, warmUpSteps: 0, steps: 1 }),
    );
    expect(first!.computed).toBeGreaterThan(8); // nobody is known to be slow yet
    expect(first!.stepMs).toBeLessThan(20 * 100);
  });

  it('is the slower, on the same link, the more nodes there are, and computes no less', async () => {
    const of = (nodes: number): Promise<ClusterSummary> =>
      summaryOf(planWith({ nodes, bytesPerMs: { coordinator: SLOW_LINK, relay: Infinity, node: Infinity } }));
    const [few, more, many] = [await of(2), await of(8), await of(32)];
    expect(few.stepMs.median).toBeLessThan(more.stepMs.median);
    expect(more.stepMs.median).toBeLessThan(many.stepMs.median);
    const free = [2, 8, 32].map((nodes) => summaryOf(planWith({ nodes })));
    const rates = (await Promise.all(free)).map(({ imagesPerSecond }) => imagesPerSecond);
    expect(rates).toEqual([...rates].sort((a, b) => a - b));
  });

  it.each([
    ['float32', 1, 1],
    ['bfloat16', 2, 2],
    ['int8', 4 / (1 + 1 / 32), 2],
  ] as const)('sends %s in as many bytes as it takes', async (wire, gradientsLess, weightsLess) => {
    const { sizes } = planWith({});
    const { places, answersPerItem } = await summaryOf(
      planWith({ threads: 2, relays: [2], sizes: { ...sizes, wire, statisticCount: 0 } }),
    );
    const [coordinator] = places;
    const itemBytes = 16 * 8 * (3072 + 1);
    const vectorBytes = 4 * sizes.parameterCount;
    expect(answersPerItem).toBe(1);
    expect(Math.abs((coordinator!.bytesIn * gradientsLess) / (2 * vectorBytes) - 1)).toBeLessThan(0.01);
    const weights = coordinator!.bytesOut - itemBytes;
    expect(Math.abs((weights * weightsLess) / (2 * vectorBytes) - 1)).toBeLessThan(0.01);
  });

  it('charges the coordinator for each gradient', async () => {
    const costs = { perMessageMs: 1, perMegabyteInMs: 2, perMegabyteOutMs: 0 };
    const { places } = await summaryOf(planWith({ nodes: 64, costs, computeMs: 2000 }));
    // The weights, an item and an answer for each node.
    const expectedMs = 64 * (3 * 1 + 2 * (VECTOR_BYTES / 1e6));
    expect(Math.abs(places[0]!.processorMs / expectedMs - 1)).toBeLessThan(0.02);
    const { limit, stepMs } = await summaryOf(planWith({ nodes: 64, costs, computeMs: 1 }));
    expect(stepMs.median).toBeGreaterThan(0.9 * expectedMs);
    expect(limit).toMatchObject({ place: 'coordinator', resource: 'processor' });
  });

  it('that does not get to the end of a step is given up, and it is said which, and what to do', async () => {
    const failures = { perNodeHour: 3600, awayMs: 3_600_000 };
    const error = await rejectionOf(
      'E_OPTION',
      simulateCluster(planWith({ nodes: 1, computeMs: 1e7, failures })),
    );
    expect((inFlags(error) as Error).message).toMatch(
      /^a step before the measured ones does not end within 48 hours.*; give nodes that live longer \(--fail-rate\) or return sooner \(--return-after\), or give more --bandwidth, or give a shorter --compute-ms$/,
    );
  });
});
