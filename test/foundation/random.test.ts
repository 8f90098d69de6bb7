import { describe, expect, it } from 'vitest';
import {
  deriveKey,
  philox4x32,
  randomPermutation,
  RandomStream,
  seedKey,
} from '../../src/foundation/random.js';
import type { RandomKey } from '../../src/foundation/random.js';
import { cosineOfPiTimes, deterministicLog } from '../../src/foundation/deterministicMath.js';

/** Known answers of the reference implementation: Random123, examples/kat_vectors, philox 4x32 10. */
const KNOWN_ANSWERS: readonly {
  counter: [number, number, number, number];
  key: RandomKey;
  expected: number[];
}[] = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

describe('philox4x32', () => {
  it.each(KNOWN_ANSWERS)('gives the known answer for counter $counter', ({ counter, key, expected }) => {
    const out = new Uint32Array(4);
    philox4x32(counter, key, out);
    expect([...out]).toEqual(expected);
  });
});

describe('RandomStream', () => {
  it('repeats itself for the same key and differs for another path', () => {
    const draw = (key: RandomKey): number[] => {
      const stream = new RandomStream(key);
      return Array.from({ length: 8 }, () => stream.nextUint32());
    };
    const root = seedKey(1);
    expect(draw(deriveKey(root, 3, 5))).toEqual(draw(deriveKey(deriveKey(root, 3), 5)));
    expect(draw(deriveKey(root, 3, 5))).not.toEqual(draw(deriveKey(root, 5, 3)));
    expect(draw(root)).not.toEqual(draw(seedKey(2)));
    expect(draw(seedKey(2 ** 33))).not.toEqual(draw(seedKey(0)));
  });

  it('draws normals with the moments of a normal distribution', () => {
    const stream = new RandomStream(seedKey(7));
    const count = 100_000;
    let sum = 0;
    let squares = 0;
    let beyondTwo = 0;
    for (let index = 0; index < count; index++) {
      const value = stream.nextNormal();
      sum += value;
      squares += value * value;
      if (Math.abs(value) > 2) beyondTwo++;
    }
    expect(Math.abs(sum / count)).toBeLessThan(0.02);
    expect(Math.abs(squares / count - 1)).toBeLessThan(0.02);
    expect(Math.abs(beyondTwo / count - 0.0455)).toBeLessThan(0.004);
  });

  it('refuses a seed that is not a non-negative safe integer', () => {
    expect(() => seedKey(-1)).toThrow(/seed -1 must be/);
    expect(() => seedKey(1.5)).toThrow(/seed 1.5 must be/);
  });
});

describe('randomPermutation', () => {
  it('holds every index once, and places each about equally often', () => {
    const order = randomPermutation(1000, seedKey(3));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    const firstPlaces = new Array<number>(4).fill(0);
    for (let seed = 0; seed < 4000; seed++) firstPlaces[randomPermutation(4, seedKey(seed))[0]!]!++;
    for (const count of firstPlaces) expect(Math.abs(count - 1000)).toBeLessThan(140); // five standard deviations
  });
});

describe('deterministicMath', () => {
  it('agrees with the host within a few units in the last place', () => {
    for (let index = 1; index < 2000; index++) {
      for (const x of [index / 2000, index * 1.7, 2 ** -(index % 900), 1 + index * 1e-9]) {
        expect(Math.abs(deterministicLog(x) - Math.log(x))).toBeLessThanOrEqual(
          8e-16 * Math.abs(Math.log(x)) + 1e-24,
        );
      }
      expect(Math.abs(cosineOfPiTimes(index / 2000) - Math.cos((Math.PI * index) / 2000))).toBeLessThan(
        5e-16,
      );
    }
    expect([0, 0.5, 1].map(cosineOfPiTimes)).toEqual([1, 0, -1]);
  });
});
