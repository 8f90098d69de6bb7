/** Nodes that add gradients before they send them, as the coordinator sees them. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Fleet } from '../../../src/coordinator/fleet/fleet.js';
import { computeGradient } from '../../../src/coordinator/training/gradientRound.js';
import type { GradientRequest, StepGradient } from '../../../src/coordinator/training/gradientRound.js';
import { broadcastOf } from '../../../src/coordinator/index.js';
import { GradientBuffers } from '../../../src/coordinator/vectors/treeReduction.js';
import { littleEndianBytes } from '../../../src/foundation/littleEndian.js';
import { planEpoch } from '../../../src/data/index.js';
import type { Layout } from '../../../src/model/index.js';
import type { Parameters, Result, Work } from '../../../src/protocol/index.js';
import { AddingNode } from '../../support/addingNode.js';
import { analyticNode, floatsOf, honest, resultOf } from '../../support/analyticNode.js';
import { rejectionOf } from '../../support/errors.js';
import { welcome } from '../../support/messages.js';
import { hashedValues } from '../../support/numbers.js';
import { recipe } from '../../support/recipes.js';
import { sumByDefinition, sumOf } from '../../support/sums.js';
import { tinySet } from '../../support/tinySet.js';
import { settled } from '../../support/waiting.js';

const layout: Layout = { parameters: [], parameterCount: 12, statistics: [], statisticCount: 3 };
const set = tinySet(40);
const state = { parameters: hashedValues(12, 1), statistics: hashedValues(3, 2) };

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** Micro-batches of 4 samples; the last has only 2. */
function request(leafCount: number): GradientRequest {
  const samples = 4 * leafCount - 2;
  const trainingIndices = Uint32Array.from({ length: samples }, (_, index) => index);
  const { steps } = planEpoch({
    trainingIndices,
    seed: 1,
    epoch: 2,
    batchSize: samples,
    microBatchSize: 4,
  });
  return {
    recipe: recipe({ batchSize: samples, microBatch: 4 }),
    layout,
    set,
    step: 12,
    epoch: 2,
    plan: steps[0]!,
    state: broadcastOf(state, 1),
    buffers: new GradientBuffers(),
    onContribution: () => undefined,
  };
}

function newFleet(): Fleet {
  return new Fleet({
    welcome: welcome(),
    onEvent: () => undefined,
    waitTimeoutMs: 10_000_000,
    areAnswersRead: () => true, // time is fake, and the process never waits
  });
}

const hex = (values: Float32Array): string => Buffer.from(littleEndianBytes(values)).toString('hex');

const bitsOf = ({ total, lossSum, correct }: StepGradient): string[] => [
  hex(total.gradientSum),
  hex(total.statisticSum),
  String(total.sampleCount),
  String(lossSum),
  String(correct),
];

/** By definition, from every micro-batch's own result. */
async function expectedBits(leafCount: number): Promise<string[]> {
  const fleet = newFleet();
  const results: Result[] = [];
  analyticNode(fleet, {}, (item: Work | { type: 'evaluate' }, current: Parameters) => {
    if (item.type === 'work') results[item.microBatch] = resultOf(item, current);
    return honest(item as Work, current);
  });
  await computeGradient(fleet, request(leafCount));
  const sumOver = (pick: (result: Result) => number): number =>
    results.reduce((sum, result) => sum + pick(result), 0);
  return [
    hex(sumByDefinition(results.map(({ gradientSum }) => floatsOf(gradientSum)))),
    hex(sumByDefinition(results.map(({ statisticSum }) => floatsOf(statisticSum)))),
    String(sumOver(({ sampleCount }) => sampleCount)),
    String(sumOver(({ lossSum }) => lossSum)),
    String(sumOver(({ correct }) => correct)),
  ];
}

/** A step in which every node answers what it has after 100 ms, so that it is known what is late in the next. */
async function warmUp(fleet: Fleet, nodes: readonly AddingNode[]): Promise<void> {
  await settled();
  const step = computeGradient(fleet, { ...request(8), step: 11 });
  for (let turn = 0; turn < 20; turn++) {
    await vi.advanceTimersByTimeAsync(100);
    for (const node of nodes) for (const index of [...node.pending.keys()]) node.answer([index]);
    await settled();
  }
  await step;
  for (const node of nodes) node.forget();
}

const NAN: Partial<Result> = { gradientSum: new Uint8Array(new Float32Array(12).fill(NaN).buffer) };

describe('any assignment, any sums, any order of arrival', () => {
  const seen = { sums: 0, partlyLate: 0, deaths: 0, notFinite: 0, repeats: 0 };

  /** Plays one step; `choose(n)` decides everything. */
  async function play(leafCount: number, choose: (count: number) => number): Promise<string[]> {
    const fleet = newFleet();
    const join = (): AddingNode =>
      new AddingNode(fleet, { nodeName: `n${choose(1000)}`, threads: 1 + choose(4) });
    let nodes = [join(), join(), join()];
    const all = [...nodes];
    await warmUp(fleet, nodes);
    const pending = computeGradient(fleet, request(leafCount));
    let outcome: StepGradient | undefined;
    void pending.then((gradient) => (outcome = gradient));
    const spoilt = new Set<number>();
    const answered = new Set<number>();
    for (let turn = 0; !outcome; turn++) {
      if (turn > 1000) throw new Error('the step does not come to its end');
      const node = nodes[choose(nodes.length)]!;
      const ranges = node.ranges(4).filter((range) => !(range.length > 1 && node.node.closings.length > 0));
      const action = choose(12);
      if (action === 0 && nodes.length > 1) {
        node.node.hangUp();
        nodes = nodes.filter((one) => one !== node);
        seen.deaths++;
      } else if (action === 1) nodes = [...nodes, all[all.push(join()) - 1]!];
      else if (action < 7 || ranges.length === 0) await vi.advanceTimersByTimeAsync(choose(1000));
      else {
        // The longest first, half the time; the last may be one that was to be kept apart.
        const range = choose(2) === 0 ? ranges.at(-1)! : ranges[choose(ranges.length)]!;
        if (range.length > 1) seen.sums++;
        const late = range.filter((index) => answered.has(index)).length;
        if (late > 0 && late < range.length) seen.partlyLate++;
        const isSpoilt = choose(10) === 0 && range.every((index) => !spoilt.has(index));
        if (isSpoilt) seen.notFinite++;
        for (const index of isSpoilt ? range : []) spoilt.add(index);
        if (!isSpoilt && late === 0) for (const index of range) answered.add(index);
        node.answer(range, isSpoilt ? NAN : {});
      }
      await settled();
    }
    const given = all.flatMap((one) => one.given);
    seen.repeats += given.length - new Set(given).size;
    return bitsOf(outcome);
  }

  it('give the bits of the plain tree', async () => {
    const expected = new Map<number, string[]>();
    for (const leafCount of [2, 3, 5, 7, 8]) expected.set(leafCount, await expectedBits(leafCount));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...expected.keys()),
        fc.array(fc.nat(9999), { minLength: 300, maxLength: 300 }),
        async (leafCount, numbers) => {
          let next = 0;
          const bits = await play(leafCount, (count) => numbers[next++ % numbers.length]! % count);
          expect(bits).toEqual(expected.get(leafCount));
        },
      ),
      { numRuns: 200 },
    );
    expect(seen.sums).toBeGreaterThan(100);
    expect(seen.partlyLate).toBeGreaterThan(20);
    expect(seen.deaths).toBeGreaterThan(20);
    expect(seen.notFinite).toBeGreaterThan(20);
    expect(seen.repeats).toBeGreaterThan(20);
  });
});

describe('a sum', () => {
  async function begun(leafCount: number, nodeCount: number, threads = 2) {
    const fleet = newFleet();
    const nodes = Array.from(
      { length: nodeCount },
      (_, index) => new AddingNode(fleet, { nodeName: `node ${index}`, threads }),
    );
    await warmUp(fleet, nodes);
    const contributors: string[] = [];
    const gradient = computeGradient(fleet, {
      ...request(leafCount),
      onContribution: ({ name }) => contributors.push(name),
    });
    gradient.catch(() => undefined);
    await settled();
    return { fleet, nodes, gradient, contributors };
  }

  it('is used as its leaves would be, and makes room for as many items', async () => {
    const { nodes, gradient, contributors } = await begun(8, 1);
    const [node] = nodes as [AddingNode];
    expect([...node.pending.keys()]).toEqual([0, 1, 2, 3]);
    node.answer([2, 3]);
    await settled();
    expect([...node.pending.keys()]).toEqual([0, 1, 4, 5]);
    node.answer([0, 1]);
    await settled();
    node.answer([4, 5, 6, 7]);
    expect(bitsOf(await gradient)).toEqual(await expectedBits(8));
    expect(contributors).toEqual(['node 0', 'node 0', 'node 0']);
  });

  it('some of whose leaves another has answered is used for the others', async () => {
    const { nodes, gradient, fleet } = await begun(4, 1, 4);
    const [one] = nodes as [AddingNode];
    expect([...one.pending.keys()]).toEqual([0, 1, 2, 3]);
    const late = new AddingNode(fleet, { nodeName: 'late', threads: 4 });
    await settled();
    await vi.advanceTimersByTimeAsync(10_000); // it repeats what the first is late with
    expect([...late.pending.keys()]).toEqual(expect.arrayContaining([0, 1, 2]));
    late.answer([0, 1]);
    late.answer([2]);
    await settled();
    one.answer([0, 1, 2, 3]); // had not heard of it
    expect(bitsOf(await gradient)).toEqual(await expectedBits(4));
    expect(one.node.closings).toEqual([]);
  });

  it('that is not finite is asked for leaf by leaf, and gets nobody blamed', async () => {
    const { nodes, gradient } = await begun(4, 1);
    const [node] = nodes as [AddingNode];
    node.answer([0, 1, 2, 3], NAN);
    await settled();
    expect([...node.pending.keys()].sort()).toEqual([0, 1, 2, 3]);
    expect([...node.apart].sort()).toEqual([0, 1, 2, 3]);
    for (const index of [0, 1, 2, 3]) node.answer([index]);
    expect(bitsOf(await gradient)).toEqual(await expectedBits(4));
  });

  it('of finite gradients may be infinite, and is then added here, as it would be without', async () => {
    const huge = { gradientSum: new Uint8Array(new Float32Array(12).fill(3e38).buffer) };
    const { nodes, gradient } = await begun(2, 1);
    const [node] = nodes as [AddingNode];
    node.answer([0, 1], huge);
    await settled();
    node.answer([0], huge);
    node.answer([1], huge);
    expect([...(await gradient).total.gradientSum]).toEqual(new Array(12).fill(Infinity));
  });

  it('that is never finite ends the run, whether its node keeps the leaves apart or not', async () => {
    const { nodes, gradient } = await begun(2, 1);
    const [node] = nodes as [AddingNode];
    for (let time = 0; time < 3; time++) {
      node.answer([0, 1], NAN);
      await settled();
    }
    await rejectionOf('E_DIVERGED', gradient);
  });

  it.each<[string, (sum: ReturnType<typeof sumOf>) => ReturnType<typeof sumOf>]>([
    [
      'a leaf of another count',
      (sum) => ({ ...sum, leaves: [sum.leaves[0]!, { ...sum.leaves[1]!, sampleCount: 3 }] }),
    ],
    [
      'more right in a leaf than it has',
      (sum) => ({ ...sum, leaves: [sum.leaves[0]!, { ...sum.leaves[1]!, correct: 5 }] }),
    ],
    ['a gradient of another length', (sum) => ({ ...sum, gradientSum: new Uint8Array(4) })],
  ])('with %s gets its node refused, and another computes the leaves', async (_what, spoil) => {
    const { fleet, nodes, gradient } = await begun(4, 1);
    const [node] = nodes as [AddingNode];
    const current = node.node.states[0]!;
    node.node.send(spoil(sumOf([0, 1].map((index) => resultOf(node.pending.get(index)!, current)))));
    await settled();
    expect(node.node.the('refused').code).toBe('E_PROTOCOL');
    analyticNode(fleet);
    expect(bitsOf(await gradient)).toEqual(await expectedBits(4));
  });

  it('with a leaf that its node was not asked for is not used; the others are asked for again', async () => {
    const { nodes, gradient } = await begun(6, 1);
    const [node] = nodes as [AddingNode];
    expect([...node.pending.keys()]).toEqual([0, 1, 2, 3]);
    const current = node.node.states[0]!;
    const three = node.pending.get(3)!;
    node.answer([3]);
    await settled();
    node.node.send(sumOf([node.pending.get(2)!, three].map((item) => resultOf(item, current))));
    node.pending.delete(2);
    await settled();
    expect(node.pending.has(2)).toBe(true);
    while (node.pending.size > 0) {
      node.answer([[...node.pending.keys()][0]!]);
      await settled();
    }
    expect(bitsOf(await gradient)).toEqual(await expectedBits(6));
    expect(node.node.closings).toEqual([]);
  });

  it('of a step that is over frees its workers', async () => {
    const { fleet, nodes, gradient } = await begun(2, 1);
    const [slow] = nodes as [AddingNode];
    const quick = analyticNode(fleet, { nodeName: 'quick' });
    await vi.advanceTimersByTimeAsync(10_000);
    await gradient;
    expect(quick.items).toHaveLength(2);
    slow.answer([0, 1]);
    await settled();
    quick.hangUp();
    await settled();
    const next = computeGradient(fleet, { ...request(2), step: 13, state: broadcastOf(state, 2) });
    await settled();
    expect([...slow.pending.keys()]).toEqual([0, 1]);
    slow.answer([0, 1]);
    expect(bitsOf(await next)).toEqual(await expectedBits(2));
    expect(slow.node.closings).toEqual([]);
  });
});
