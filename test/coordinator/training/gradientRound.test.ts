import { beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../../src/coordinator/fleet/fleet.js';
import { computeGradient } from '../../../src/coordinator/training/gradientRound.js';
import type { GradientRequest } from '../../../src/coordinator/training/gradientRound.js';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { broadcastOf } from '../../../src/coordinator/index.js';
import { GradientBuffers } from '../../../src/coordinator/vectors/treeReduction.js';
import { littleEndianBytes } from '../../../src/foundation/littleEndian.js';
import { packInPlace } from '../../../src/foundation/wire/kernels.js';
import { roundSum, stepRounding } from '../../../src/foundation/wire/rounding.js';
import type { StepRounding } from '../../../src/foundation/wire/rounding.js';
import { augmentationKey, dropoutKey, gatherSamples, planEpoch } from '../../../src/data/index.js';
import type { Layout } from '../../../src/model/index.js';
import type { Result } from '../../../src/protocol/index.js';
import {
  analyticNode,
  floatsOf,
  gradientSumOf,
  honest,
  meanPixelOf,
  resultOf,
} from '../../support/analyticNode.js';
import type { Answerer } from '../../support/analyticNode.js';
import { rejectionOf } from '../../support/errors.js';
import { welcome } from '../../support/messages.js';
import { hashedValues, largestRelativeError } from '../../support/numbers.js';
import { recipe } from '../../support/recipes.js';
import { attached } from '../../support/scriptedNode.js';
import { tinySet } from '../../support/tinySet.js';
import { settled, until } from '../../support/waiting.js';

const layout: Layout = { parameters: [], parameterCount: 50, statistics: [], statisticCount: 6 };
const set = tinySet(40);
const state = {
  parameters: hashedValues(layout.parameterCount, 1),
  statistics: hashedValues(layout.statisticCount, 2),
};

let events: RunEvent[];
let fleet: Fleet;
beforeEach(() => {
  events = [];
  fleet = new Fleet({ welcome: welcome(), onEvent: (event) => events.push(event), waitTimeoutMs: 60_000 });
});

/** Step 12 of a run; 22 samples in micro-batches of 4, so the last has only 2. */
function request(change: Partial<GradientRequest> = {}): GradientRequest {
  const trainingIndices = Uint32Array.from({ length: 22 }, (_, index) => index + 5);
  const { steps } = planEpoch({ trainingIndices, seed: 1, epoch: 2, batchSize: 22, microBatchSize: 4 });
  return {
    recipe: recipe({ batchSize: 22, microBatch: 4 }),
    layout,
    set,
    step: 12,
    epoch: 2,
    plan: steps[0]!,
    state: broadcastOf(state, 1),
    buffers: new GradientBuffers(),
    onContribution: () => undefined,
    ...change,
  };
}

const bits = (values: Float32Array): string => Buffer.from(littleEndianBytes(values)).toString('hex');

/** Answers with `change` instead, the first `times` times that the item comes. */
function faulty(microBatch: number, change: Partial<Result>, times = Infinity): Answerer {
  let left = times;
  return (item, current) => {
    if (item.type !== 'work' || item.microBatch !== microBatch || left-- <= 0) return honest(item, current);
    return { ...resultOf(item, current), ...change };
  };
}

const NAN_GRADIENT = (): Partial<Result> => ({
  gradientSum: new Uint8Array(new Float32Array(layout.parameterCount).fill(NaN).buffer),
});

/** As a node of a compact wire form sends it. */
function packed(result: Result, rounding: StepRounding): Result {
  const gradientSum = floatsOf(result.gradientSum);
  roundSum(rounding, gradientSum, result.microBatch, 1);
  return { ...result, gradientSum: packInPlace(rounding.format, gradientSum) };
}

describe('the gradient of a step', () => {
  it('is the sum over its samples, with sample count, losses and statistics', async () => {
    analyticNode(fleet);
    const { total, lossSum, correct } = await computeGradient(fleet, request());
    const { samples, labels } = whole();
    expect(total.sampleCount).toBe(22);
    expect(largestRelativeError(total.gradientSum, gradientSumOf(state.parameters, labels))).toBeLessThan(
      1e-5,
    );
    const mean = meanPixelOf(samples);
    const statistics = Array.from({ length: layout.statisticCount }, (_, index) => 22 * (mean + index));
    expect(largestRelativeError(total.statisticSum, statistics)).toBeLessThan(1e-5);
    expect(lossSum).toBeCloseTo(22 * Math.abs(state.parameters[0]!), 10);
    expect(correct).toBeGreaterThanOrEqual(0);
  });

  it('has the same bits whoever computes it: one node, three, and one that vanishes in between', async () => {
    const bitsBy = async (nodes: (fleetOfOwn: Fleet) => void): Promise<string[]> => {
      const own = new Fleet({ welcome: welcome(), onEvent: () => undefined, waitTimeoutMs: 60_000 });
      nodes(own);
      const { total, lossSum } = await computeGradient(own, request());
      return [bits(total.gradientSum), bits(total.statisticSum), String(lossSum)];
    };
    const alone = await bitsBy((own) => void analyticNode(own));
    const three = await bitsBy((own) => {
      for (const threads of [1, 2, 4]) analyticNode(own, { threads });
    });
    const vanishing = await bitsBy((own) => {
      let answered = 0;
      const node = analyticNode(own, {}, (item, current) => {
        if (++answered > 1) node.hangUp();
        return honest(item, current);
      });
      analyticNode(own);
    });
    expect(three).toEqual(alone);
    expect(vanishing).toEqual(alone);
  });

  it('is asked for by pixels, labels and random keys that follow from the plan alone', async () => {
    const node = analyticNode(fleet, { threads: 8 });
    const asked = request();
    await computeGradient(fleet, asked);
    expect(node.items).toHaveLength(6);
    for (const item of node.items) {
      if (item.type !== 'work') throw new Error('an evaluation in a step');
      const index = item.microBatch;
      const { pixels, labels } = gatherSamples(set, asked.plan.microBatches[index]!.samples);
      expect(item).toEqual({
        type: 'work',
        step: 12,
        microBatch: index,
        pixels,
        labels,
        augmentationKey: [...augmentationKey(1, 2, 0, index)],
        mirrored: null,
        dropoutKey: [...dropoutKey(1, 2, 0, index)],
        roundingKey: null,
      });
    }
  });

  it('in a compact wire form comes in that form, and in no other', async () => {
    const int8 = { recipe: recipe({ batchSize: 22, microBatch: 4, wire: 'int8' }) };
    const plain = analyticNode(fleet, { nodeName: 'plain' });
    const running = computeGradient(fleet, request(int8));
    await until(() => plain.received.some(({ type }) => type === 'refused'));
    expect(plain.the('refused').reason).toMatch(/a gradient of 200 and 24 bytes; the model needs 52 and 24/);
    const rounding = stepRounding('int8', 1, 2, 0);
    const packing = analyticNode(fleet, { nodeName: 'packing' }, (item, current) => {
      if (item.type !== 'work') return honest(item, current);
      expect(item.roundingKey).toEqual(rounding.key);
      return packed(resultOf(item, current), rounding);
    });
    const { total } = await running;
    expect(packing.items).toHaveLength(6);
    const exact = gradientSumOf(state.parameters, whole().labels);
    const worst = Math.max(...exact.map((value, index) => Math.abs(value - total.gradientSum[index]!)));
    expect(worst).toBeGreaterThan(1e-4); // it is rounded
    expect(worst).toBeLessThan(0.05 * Math.max(...exact.map(Math.abs)));
  });

  it('that is not finite is noticed in a compact wire form', async () => {
    const rounding = stepRounding('int8', 1, 2, 0);
    analyticNode(fleet, {}, (item, current) => {
      if (item.type !== 'work') return honest(item, current);
      const result = resultOf(item, current);
      return packed(item.microBatch === 3 ? { ...result, ...NAN_GRADIENT() } : result, rounding);
    });
    const int8 = { recipe: recipe({ batchSize: 22, microBatch: 4, wire: 'int8' }) };
    await expect(computeGradient(fleet, request(int8))).rejects.toMatchObject({ code: 'E_DIVERGED' });
  });

  it('is asked for without augmentation where the recipe says so', async () => {
    const node = analyticNode(fleet);
    await computeGradient(fleet, request({ recipe: recipe({ augment: false }) }));
    expect(node.items.every((item) => item.type === 'work' && item.augmentationKey === null)).toBe(true);
  });

  it('names every node whose answer is used', async () => {
    analyticNode(fleet, { nodeName: 'a' });
    analyticNode(fleet, { nodeName: 'b' });
    const contributors = new Set<string>();
    await computeGradient(fleet, request({ onContribution: ({ name }) => contributors.add(name) }));
    expect([...contributors].sort()).toEqual(['a', 'b']);
  });

  function whole(): { samples: Uint8Array; labels: Uint8Array } {
    const indices = request().plan.microBatches.flatMap(({ samples }) => [...samples]);
    const { pixels, labels } = gatherSamples(set, indices);
    return { samples: pixels, labels };
  }
});

describe('an answer that does not fit', () => {
  it.each<[string, Partial<Result>]>([
    ['too few samples', { sampleCount: 3 }],
    ['too many samples', { sampleCount: 5 }],
    ['more right than there are samples', { correct: 5 }],
    ['a gradient that is too short', { gradientSum: new Uint8Array(4 * 49) }],
    ['a gradient that is too long', { gradientSum: new Uint8Array(4 * 51) }],
    ['a gradient of no whole number of floats', { gradientSum: new Uint8Array(4 * 50 - 1) }],
    ['no gradient', { gradientSum: new Uint8Array(0) }],
    ['statistics of another length', { statisticSum: new Uint8Array(4 * 5) }],
  ])('cuts off its node, and another computes the item: %s', async (_what, change) => {
    const bad = analyticNode(fleet, { nodeName: 'bad' }, faulty(0, change));
    await settled();
    const good = analyticNode(fleet, { nodeName: 'good' });
    const { total } = await computeGradient(fleet, request());
    expect(total.sampleCount).toBe(22);
    expect(bad.closings).toHaveLength(1);
    expect(bad.the('refused').code).toBe('E_PROTOCOL');
    expect(good.closings).toEqual([]);
    expect(fleet.memberCount).toBe(1);
  });
});

describe('an answer that is not finite', () => {
  const CHANGES: readonly [string, () => Partial<Result>][] = [
    ['the loss', () => ({ lossSum: NaN })],
    ['an infinite loss', () => ({ lossSum: -Infinity })],
    ['the gradient', NAN_GRADIENT],
    [
      'one infinite statistic',
      () => ({ statisticSum: new Uint8Array(Float32Array.of(1, 2, Infinity, 4, 5, 6).buffer) }),
    ],
  ];

  it.each(CHANGES)('once, gets a second opinion, and the step goes on: %s', async (_what, change) => {
    analyticNode(fleet);
    const reference = await computeGradient(fleet, request());
    const own = new Fleet({ welcome: welcome(), onEvent: () => undefined, waitTimeoutMs: 60_000 });
    const node = analyticNode(own, {}, faulty(2, change(), 1));
    const { total } = await computeGradient(own, request());
    expect(bits(total.gradientSum)).toBe(bits(reference.total.gradientSum));
    expect(node.items.filter((item) => item.type === 'work' && item.microBatch === 2)).toHaveLength(2);
    expect(node.closings).toEqual([]);
  });

  it.each(CHANGES)('twice, ends the run with the step and what to try: %s', async (_what, change) => {
    analyticNode(fleet, {}, faulty(2, change()));
    const error = await rejectionOf('E_DIVERGED', computeGradient(fleet, request()));
    expect(error.message).toContain('step 13');
    expect(error.message).toContain('lower lr (it is 0.1)');
    expect(error.message).toContain('warmupEpochs');
  });

  it('always from one faulty machine, does not end a run that has a sound one', async () => {
    analyticNode(fleet, { nodeName: 'faulty' }, (item, current) =>
      item.type === 'work' ? { ...resultOf(item, current), ...NAN_GRADIENT() } : undefined,
    );
    analyticNode(fleet, { nodeName: 'sound' });
    await settled();
    const contributors = new Set<string>();
    const { total } = await computeGradient(
      fleet,
      request({ onContribution: ({ name }) => contributors.add(name) }),
    );
    expect(total.gradientSum.every(Number.isFinite)).toBe(true);
    expect([...contributors]).toEqual(['sound']);
  });

  it('is a second time asked of another node, even if that one has come only meanwhile', async () => {
    const faultyNode = analyticNode(fleet, { nodeName: 'faulty' }, (item, current) => {
      if (item.type !== 'work' || item.microBatch !== 2) return honest(item, current);
      // Another node comes while this one computes the item for the second time.
      const isSecond =
        faultyNode.items.filter((each) => each.type === 'work' && each.microBatch === 2).length === 2;
      if (!isSecond) return { ...resultOf(item, current), ...NAN_GRADIENT() };
      analyticNode(fleet, { nodeName: 'sound' });
      void settled().then(() => faultyNode.send({ ...resultOf(item, current), ...NAN_GRADIENT() }));
      return undefined;
    });
    const { total } = await computeGradient(fleet, request());
    expect(total.gradientSum.every(Number.isFinite)).toBe(true);
  });

  it('again and again, where another node’s is finite, gets its node refused by name', async () => {
    const sick = analyticNode(fleet, { nodeName: 'sick' }, (item, current) =>
      item.type === 'work' ? { ...resultOf(item, current), ...NAN_GRADIENT() } : undefined,
    );
    const sound = analyticNode(fleet, { nodeName: 'sound' });
    await settled();
    for (let step = 0; step < 6; step++) {
      const { total } = await computeGradient(fleet, request({ step }));
      expect(total.gradientSum.every(Number.isFinite)).toBe(true);
    }
    expect(sick.the('refused').code).toBe('E_REFUSED');
    expect(sick.the('refused').reason).toMatch(/3 of its results were not finite/);
    expect(sound.closings).toEqual([]);
    const refusals = events.filter(({ event }) => event === 'worker-refused');
    expect(refusals).toEqual([expect.objectContaining({ node: 'sick' })]);
  });

  it('of two nodes alike, ends the run: training has diverged', async () => {
    for (const nodeName of ['a', 'b']) analyticNode(fleet, { nodeName }, faulty(1, NAN_GRADIENT()));
    await settled();
    await rejectionOf('E_DIVERGED', computeGradient(fleet, request()));
    expect(events.filter(({ event }) => event === 'worker-refused')).toEqual([]);
  });
});

describe('an evaluation’s answer in a step', () => {
  it('is not for this round, and changes nothing', async () => {
    const node = await attached(fleet);
    const pending = computeGradient(fleet, request());
    await settled();
    node.send({ type: 'evaluated', evaluation: 12, chunk: 0, sampleCount: 4, lossSum: 1, correct: 1 });
    await settled();
    expect(node.closings).toEqual([]);
    analyticNode(fleet);
    node.hangUp();
    await pending;
    await until(() => fleet.memberCount === 1);
  });
});
