import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GradientBuffers, TreeReduction } from '../../../src/coordinator/vectors/treeReduction.js';
import { littleEndianBytes } from '../../../src/foundation/littleEndian.js';
import type { GradientLeaf } from '../../../src/coordinator/vectors/treeReduction.js';
import { hashedValues } from '../../support/numbers.js';
import { thrownBy } from '../../support/errors.js';

const PARAMETERS = 7;
const STATISTICS = 3;

/** Values over many magnitudes, so that another order of additions almost surely gives other bits. */
function leaf(index: number): GradientLeaf {
  const spread = (length: number, seed: number): Float32Array =>
    hashedValues(length, seed).map((value, position) => value * 10 ** ((index + position) % 7));
  return {
    sampleCount: 1 + (index % 5),
    gradientSum: spread(PARAMETERS, 1000 * index),
    statisticSum: spread(STATISTICS, 1000 * index + 500),
  };
}

const leavesOf = (count: number): GradientLeaf[] => Array.from({ length: count }, (_, index) => leaf(index));

/** The definition: the leaves of [from, to) are cut at the largest power of two below their number. */
function sumByDefinition(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  let half = 1;
  while (2 * half < vectors.length) half *= 2;
  const left = sumByDefinition(vectors.slice(0, half));
  const right = sumByDefinition(vectors.slice(half));
  return left.map((value, position) => Math.fround(value + right[position]!));
}

function expectedOf(leaves: readonly GradientLeaf[]): GradientLeaf {
  return {
    sampleCount: leaves.reduce((sum, { sampleCount }) => sum + sampleCount, 0),
    gradientSum: sumByDefinition(leaves.map(({ gradientSum }) => gradientSum)),
    statisticSum: sumByDefinition(leaves.map(({ statisticSum }) => statisticSum)),
  };
}

/** Shared by all tests, so that what one leaves in it meets the next. */
const buffers = new GradientBuffers();

function reduced(leaves: readonly GradientLeaf[], order: readonly number[]): GradientLeaf {
  const reduction = new TreeReduction(leaves.length, buffers);
  for (const index of order) reduction.add(index, leaves[index]!);
  return reduction.result();
}

const bits = ({ gradientSum, statisticSum }: GradientLeaf): string =>
  Buffer.concat([littleEndianBytes(gradientSum), littleEndianBytes(statisticSum)]).toString('hex');

const COUNTS = Array.from({ length: 33 }, (_, index) => index + 1);

describe('TreeReduction', () => {
  it.each(COUNTS)('adds %i leaves as the recursive definition does, to the last bit', (count) => {
    const leaves = leavesOf(count);
    const actual = reduced(
      leaves,
      leaves.map((_, index) => index),
    );
    const expected = expectedOf(leaves);
    expect(actual.sampleCount).toBe(expected.sampleCount);
    expect(bits(actual)).toBe(bits(expected));
  });

  it('gives the same bits whatever the order of arrival', () => {
    const shuffles = fc
      .integer({ min: 1, max: 33 })
      .chain((count) => fc.shuffledSubarray([...new Array(count).keys()], { minLength: count }));
    fc.assert(
      fc.property(shuffles, (order) => {
        const leaves = leavesOf(order.length);
        expect(bits(reduced(leaves, order))).toBe(bits(expectedOf(leaves)));
      }),
      { numRuns: 300 },
    );
  });

  it('is sensitive to the order of additions: the test data would show a wrong one', () => {
    const leaves = leavesOf(8);
    const inARow = leaves
      .map(({ gradientSum }) => gradientSum)
      .reduce((sum, next) => sum.map((value, position) => Math.fround(value + next[position]!)));
    expect([...inARow]).not.toEqual([...expectedOf(leaves).gradientSum]);
  });

  it.each([1, 2, 4, 8, 16])('may have aligned ranges of %i leaves added beforehand, by whoever', (width) => {
    for (const count of COUNTS) {
      const leaves = leavesOf(count);
      const ranges = Array.from({ length: Math.ceil(count / width) }, (_, part) => {
        const range = leaves.slice(part * width, (part + 1) * width);
        return reduced(
          range,
          range.map((_, index) => index),
        );
      });
      const actual = reduced(
        ranges,
        ranges.map((_, index) => index),
      );
      const expected = expectedOf(leaves);
      expect(bits(actual)).toBe(bits(expected));
      expect(actual.sampleCount).toBe(expected.sampleCount);
    }
  });

  it('takes sums of aligned ranges of any width, mixed with leaves, in any order', () => {
    /** Cuts the range at random into aligned ranges whose widths are powers of two, none beyond the last leaf. */
    const cut = (from: number, width: number, count: number, choose: () => boolean): [number, number][] => {
      if (from >= count) return [];
      if (width === 1 || (from + width <= count && choose())) return [[from, width]];
      return [from, from + width / 2].flatMap((half) => cut(half, width / 2, count, choose));
    };
    const choices = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 33 }), choices, fc.nat(), (count, flips, seed) => {
        let next = 0;
        const ranges = cut(0, 64, count, () => flips[next++ % flips.length]!);
        const shuffled = ranges.sort(([a], [b]) => ((a * 7919 + seed) % 101) - ((b * 7919 + seed) % 101));
        const leaves = leavesOf(count);
        const reduction = new TreeReduction(count, buffers);
        for (const [from, width] of shuffled) {
          reduction.add(from, expectedOf(leaves.slice(from, from + width)), width);
        }
        expect(bits(reduction.result())).toBe(bits(expectedOf(leaves)));
        expect(reduction.result().sampleCount).toBe(expectedOf(leaves).sampleCount);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [1, 2], // not aligned
    [4, 2], // reaches beyond the last leaf
    [0, 3], // no power of two
    [0, 0],
  ])('refuses leaf %i with a width of %i among five', (index, width) => {
    thrownBy('E_INTERNAL', () => new TreeReduction(5, buffers).add(index, leaf(index), width));
  });

  it('lets a sum take the place of those of its leaves that came before, and uses their vectors again', () => {
    const own = new GradientBuffers();
    const leaves = leavesOf(7);
    const reduction = new TreeReduction(7, own);
    for (const index of [0, 1, 3, 6]) reduction.add(index, leaves[index]!);
    const given: GradientLeaf[] = [];
    const giveBack = own.giveBack.bind(own);
    own.giveBack = (one) => {
      given.push(one);
      giveBack(one);
    };
    reduction.add(0, expectedOf(leaves.slice(0, 4)), 4);
    expect(given).toHaveLength(2); // 0 and 1 together, and 3
    for (const index of [5, 4]) reduction.add(index, leaves[index]!);
    expect(bits(reduction.result())).toBe(bits(expectedOf(leaves)));
    expect(reduction.result().sampleCount).toBe(expectedOf(leaves).sampleCount);
  });

  it('keeps nothing of the leaves, and touches nothing of them', () => {
    const leaves = leavesOf(6);
    const expected = bits(expectedOf(leaves));
    const reduction = new TreeReduction(leaves.length, buffers);
    const given = leavesOf(6);
    for (const index of [5, 0, 3, 2, 4, 1]) {
      reduction.add(index, given[index]!);
      expect(bits(given[index]!)).toBe(bits(leaves[index]!));
      given[index]!.gradientSum.fill(NaN); // the memory is used for something else
      given[index]!.statisticSum.fill(NaN);
    }
    expect(bits(reduction.result())).toBe(expected);
  });

  it('sums in the same vectors step after step, once they have been given back', () => {
    const own = new GradientBuffers();
    const seen = new Set<number>();
    for (let step = 0; step < 10; step++) {
      const leaves = leavesOf(8);
      const reduction = new TreeReduction(leaves.length, own);
      for (const index of [0, 2, 4, 6, 1, 3, 5, 7]) reduction.add(index, leaves[index]!);
      const total = reduction.result();
      expect(bits(total)).toBe(bits(expectedOf(leaves)));
      seen.add(total.gradientSum.byteOffset);
      own.giveBack(total);
    }
    expect(seen.size).toBeLessThanOrEqual(4); // four leaves waited at a time
  });

  it('refuses to be read before every leaf is there, leaves out of range, and vectors of another length', () => {
    const reduction = new TreeReduction(3, buffers);
    reduction.add(2, leaf(2));
    reduction.add(0, leaf(0));
    thrownBy('E_INTERNAL', () => reduction.result());
    thrownBy('E_INTERNAL', () => reduction.add(3, leaf(3)));
    thrownBy('E_INTERNAL', () => reduction.add(-1, leaf(1)));
    thrownBy('E_INTERNAL', () =>
      reduction.add(1, { ...leaf(1), gradientSum: new Float32Array(PARAMETERS - 1) }),
    );
  });
});
