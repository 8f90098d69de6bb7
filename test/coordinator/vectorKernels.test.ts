import { describe, expect, it } from 'vitest';
import { addInto, allFinite, sgdInto } from '../../src/coordinator/vectorKernels.js';
import { RandomStream } from '../../src/foundation/random.js';
import { thrownBy } from '../support/errors.js';

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

const LENGTHS = [1, 3, 4, 8191, 8192, 8193, 20_001];

describe.each(LENGTHS)('over %i floats', (length) => {
  it('sums are those of JavaScript, bit for bit', () => {
    const [target, other] = [anyFloats(length, 1), anyFloats(length, 2)];
    const expected = target.map((value, index) => value + other[index]!);
    addInto(target, other);
    expect(bits(target)).toEqual(bits(expected));
    expect(bits(other)).toEqual(bits(anyFloats(length, 2)));
  });

  it.each([true, false])('SGD is that of JavaScript, bit for bit (Nesterov: %s)', (nesterov) => {
    const [parameters, velocity, gradientSum] = [3, 4, 5].map((seed) => anyFloats(length, seed)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
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
    const values = new Float32Array(length).fill(3e38);
    expect(allFinite(values)).toBe(true);
    for (const place of [0, length >> 1, length - 1]) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const spoiled = values.slice();
        spoiled[place] = value;
        expect(allFinite(spoiled)).toBe(false);
      }
    }
    expect(allFinite(values)).toBe(true); // and nothing of it stays behind
  });
});

it('refuses vectors of different lengths', () => {
  thrownBy('E_INTERNAL', () => addInto(new Float32Array(2), new Float32Array(3)));
});
