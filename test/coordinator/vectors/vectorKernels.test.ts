import { describe, expect, it } from 'vitest';
import { addInto, allFinite, sgdInto } from '../../../src/coordinator/vectors/vectorKernels.js';
import { homeOf, VectorMemory } from '../../../src/coordinator/vectors/vectorMemory.js';
import { RandomStream } from '../../../src/foundation/random.js';
import { thrownBy } from '../../support/errors.js';

/** Floats of every magnitude, subnormal ones, zeros of both signs and infinities among them. */
function anyFloats(length: number, seed: number): Float32Array {
  const words = new Uint32Array(length);
  const stream = new RandomStream([seed, 0]);
  for (let index = 0; index < length; index++) words[index] = stream.nextUint32();
  const floats = new Float32Array(words.buffer);
  floats.forEach((value, index) => {
    if (Number.isNaN(value)) floats[index] = index % 2 === 0 ? -0 : Infinity;
  });
  return floats;
}

const bits = (floats: Float32Array): Uint32Array => {
  const canonical = floats.map((value) => (Number.isNaN(value) ? NaN : value)); // which NaN is left open
  return new Uint32Array(canonical.buffer);
};

const LENGTHS = [1, 3, 4, 15, 16, 17, 8191, 8192, 8193, 20_001];
const memory = new VectorMemory();
const PLACES = {
  'in place': (values: Float32Array) => memory.holding(values),
  elsewhere: (values: Float32Array) => values.slice(),
  'some in place': (values: Float32Array, index: number) =>
    index % 2 === 0 ? memory.holding(values) : values.slice(),
  'others in place': (values: Float32Array, index: number) =>
    index % 2 === 1 ? memory.holding(values) : values.slice(),
  'in several memories': (values: Float32Array) => new VectorMemory().holding(values),
  'a part of a vector': (values: Float32Array) => {
    const whole = memory.vector(values.length + 40).fill(7);
    whole.set(values, 16);
    return whole.subarray(16, 16 + values.length);
  },
};
const CASES = LENGTHS.flatMap((length) =>
  Object.entries(PLACES).map(([place, put]) => ({ length, place, put })),
);

describe.each(CASES)('over $length floats, $place', ({ length, put }) => {
  it('sums are those of JavaScript, bit for bit', () => {
    const [target, other] = [put(anyFloats(length, 1), 0), put(anyFloats(length, 2), 1)];
    const expected = target.map((value, index) => value + other[index]!);
    addInto(target, other);
    expect(bits(target)).toEqual(bits(expected));
    expect(bits(other)).toEqual(bits(anyFloats(length, 2)));
  });

  it.each([true, false])('SGD is that of JavaScript, bit for bit (Nesterov: %s)', (nesterov) => {
    const [parameters, velocity, gradientSum] = [3, 4, 5].map((seed, index) =>
      put(anyFloats(length, seed), index),
    ) as [Float32Array, Float32Array, Float32Array];
    const step = { sampleCount: 117, lr: 0.1, momentum: 0.9, weightDecay: 1e-4, nesterov };
    const moved = velocity.map(
      (value, index) =>
        step.momentum * value +
        (gradientSum[index]! / step.sampleCount + step.weightDecay * parameters[index]!),
    );
    const expected = parameters.map((value, index) => {
      const gradient = gradientSum[index]! / step.sampleCount + step.weightDecay * value;
      return value - step.lr * (nesterov ? gradient + step.momentum * moved[index]! : moved[index]!);
    });
    sgdInto(parameters, velocity, gradientSum, step);
    expect(bits(velocity)).toEqual(bits(moved));
    expect(bits(parameters)).toEqual(bits(expected));
    expect(bits(gradientSum)).toEqual(bits(anyFloats(length, 5)));
  });

  it('one value that is not finite is found wherever it is, and none where there is none', () => {
    const values = put(new Float32Array(length).fill(3e38), 0);
    expect(allFinite(values)).toBe(true);
    for (const place of [0, length >> 1, length - 1]) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const spoiled = put(values, 0);
        spoiled[place] = value;
        expect(allFinite(spoiled)).toBe(false);
      }
    }
    expect(allFinite(values)).toBe(true); // and nothing of it stays behind
  });
});

it('leaves what lies beside a vector alone', () => {
  const [before, vector, after] = [memory.vector(16), memory.vector(17), memory.vector(1)] as const;
  for (const one of [before, vector, after]) one.fill(3);
  addInto(vector, memory.holding(vector));
  expect([...before, ...after]).toEqual(new Array(17).fill(3));
  expect([...vector]).toEqual(new Array(17).fill(6));
  const part = before.subarray(4, 12);
  addInto(part, new Float32Array(8).fill(1));
  expect([...before]).toEqual([3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3]);
});

it('keeps vectors as they are while their memory grows', () => {
  const small = new VectorMemory();
  const first = small.holding(anyFloats(100, 8));
  const second = small.vector(3_000_000);
  expect(bits(first)).toEqual(bits(anyFloats(100, 8)));
  expect(second.every((value) => value === 0)).toBe(true);
  addInto(first, small.holding(anyFloats(100, 9)));
  const other = anyFloats(100, 9);
  expect(bits(first)).toEqual(bits(anyFloats(100, 8).map((value, index) => value + other[index]!)));
  expect(homeOf(second)).toBe(small);
});

it('does without memory of the kernels where there is no more', () => {
  const full = new VectorMemory();
  const vector = full.holding(new Float32Array([1, 2, 3]));
  full.memory.grow = () => {
    throw new RangeError('no more');
  };
  const outside = full.vector(1_000_000);
  expect(homeOf(outside)).toBeUndefined();
  outside.fill(1);
  addInto(outside, outside.slice());
  expect(outside.every((value) => value === 2)).toBe(true);
  addInto(vector, Float32Array.of(1, 1, 1)); // brought to scratch memory, which was there before
  expect([...vector]).toEqual([2, 3, 4]);
});

it('refuses vectors of different lengths', () => {
  thrownBy('E_INTERNAL', () => addInto(new Float32Array(2), new Float32Array(3)));
});
