/** In a compact wire form the sums are those of the definition too, whoever added what. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { GradientBuffers, TreeReduction } from '../../../src/coordinator/vectors/treeReduction.js';
import { littleEndianBytes } from '../../../src/foundation/littleEndian.js';
import { deriveKey, Purpose, seedKey } from '../../../src/foundation/random.js';
import { WIRE_FORMATS } from '../../../src/foundation/wire/format.js';
import type { WireFormat } from '../../../src/foundation/wire/format.js';
import { roundToWire } from '../../../src/foundation/wire/kernels.js';
import { roundSum, stepRounding } from '../../../src/foundation/wire/rounding.js';
import { SiblingSums } from '../../../src/worker/siblingSums.js';
import { hashedValues } from '../../support/numbers.js';

const PARAMETERS = 40;
const [SEED, EPOCH, STEP] = [7, 2, 11] as const;
const COUNTS = Array.from({ length: 17 }, (_, index) => index + 1);

const bits = (values: Float32Array): string => Buffer.from(littleEndianBytes(values)).toString('hex');

/** A gradient as an engine gives it. */
const exact = (index: number): Float32Array => hashedValues(PARAMETERS, 1000 * index);

function rounded(format: WireFormat, values: Float32Array, first: number, width: number): Float32Array {
  const result = values.slice();
  const key = deriveKey(seedKey(SEED), Purpose.rounding, EPOCH, STEP, first, width);
  roundToWire(format, result, key);
  return result;
}

/** The leaves of [first, first + width) that exist; each leaf and each sum of two is rounded by its place. */
function byDefinition(format: WireFormat, count: number, first: number, width: number): Float32Array {
  if (width === 1) return rounded(format, exact(first), first, 1);
  const half = width / 2;
  const left = byDefinition(format, count, first, half);
  if (first + half >= count) return left;
  const right = byDefinition(format, count, first + half, half);
  return rounded(
    format,
    left.map((value, index) => value + right[index]!),
    first,
    width,
  );
}

const expectedOf = (format: WireFormat, count: number): Float32Array =>
  byDefinition(format, count, 0, 2 ** Math.ceil(Math.log2(count)));

interface Part {
  readonly first: number;
  readonly width: number;
  readonly gradientSum: Float32Array;
}

/** What a node sends that computes these micro-batches at once, and is done with them in this order. */
function sentBy(format: WireFormat, order: readonly number[], largest: number): Part[] {
  const rounding = stepRounding(format, SEED, EPOCH, STEP);
  const sent: Part[] = [];
  const sums = new SiblingSums({
    largest: () => largest,
    send: ({ first, leaves, gradientSum }) =>
      sent.push({ first, width: leaves.length, gradientSum: gradientSum.slice() }),
  });
  for (const index of order) sums.begin(0, index);
  for (const first of order) {
    const gradientSum = exact(first);
    roundSum(rounding, gradientSum, first, 1);
    const leaves = [{ sampleCount: 1, lossSum: 0, correct: 0 }];
    const statisticSum = new Float32Array(1);
    sums.finish({ step: 0, first, leaves, rounding, gradientSum, statisticSum, release: () => undefined });
  }
  sums.flush();
  return sent;
}

function reduced(format: WireFormat, count: number, parts: readonly Part[]): Float32Array {
  const reduction = new TreeReduction(count, new GradientBuffers(), stepRounding(format, SEED, EPOCH, STEP));
  for (const { first, width, gradientSum } of parts) {
    reduction.add(first, { sampleCount: width, gradientSum, statisticSum: new Float32Array(1) }, width);
  }
  return reduction.result().gradientSum;
}

describe.each(WIRE_FORMATS)('the sum of a step in %s', (format) => {
  it.each(COUNTS)('of %i micro-batches is that of the definition', (count) => {
    const order = COUNTS.map((one) => one - 1).filter((index) => index < count);
    const alone = order.map((index) => sentBy(format, [index], 1)[0]!);
    expect(bits(reduced(format, count, alone))).toBe(bits(expectedOf(format, count)));
    expect(bits(reduced(format, count, alone.reverse()))).toBe(bits(expectedOf(format, count)));
  });

  it('is the same whichever nodes add which micro-batches, and in any order', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const cases = fc.integer({ min: 1, max: 17 }).chain((count) =>
        fc.record({
          count: fc.constant(count),
          order: fc.shuffledSubarray(
            Array.from({ length: count }, (_, index) => index),
            { minLength: count },
          ),
          nodeOf: fc.array(fc.nat(2), { minLength: count, maxLength: count }),
          largest: fc.constantFrom(1, 2, 4, 8),
        }),
      );
      let sums = 0;
      fc.assert(
        fc.property(cases, ({ count, order, nodeOf, largest }) => {
          const parts = [0, 1, 2].flatMap((node) =>
            sentBy(
              format,
              order.filter((index) => nodeOf[index] === node),
              largest,
            ),
          );
          sums += parts.filter(({ width }) => width > 1).length;
          expect(bits(reduced(format, count, parts))).toBe(bits(expectedOf(format, count)));
        }),
      );
      expect(sums).toBeGreaterThan(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is near the sum of the exact gradients', () => {
    const exactSum = exact(0).map((_, place) => COUNTS.reduce((sum, one) => sum + exact(one - 1)[place]!, 0));
    const error = expectedOf(format, 17).map((value, place) => value - exactSum[place]!);
    const share = Math.hypot(...error) / Math.hypot(...exactSum);
    expect(share).toBeLessThan({ float32: 1e-6, bfloat16: 0.005, int8: 0.03 }[format]);
  });
});

describe('the rounding of a step', () => {
  it('depends on seed, epoch and step where it draws, and draws nothing else', () => {
    const keys = [
      [1, 2, 3],
      [9, 2, 3],
      [1, 9, 3],
      [1, 2, 9],
    ].map(([seed, epoch, step]) => String(stepRounding('int8', seed!, epoch!, step!).key));
    expect(new Set(keys).size).toBe(4);
    for (const format of ['float32', 'bfloat16'] as const) {
      expect(stepRounding(format, 1, 2, 3)).toEqual({ format, key: null });
    }
  });
});
