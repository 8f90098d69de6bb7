import { describe, expect, it } from 'vitest';
import { seedKey } from '../../src/foundation/random.js';
import { dropoutMask } from '../../src/model/index.js';

const COUNT = 10_000;

describe('dropoutMask', () => {
  it("passes the course notebook's assertions on 10,000 ones at p = 0.5", () => {
    for (let seed = 0; seed < 20; seed++) {
      const dropped = dropoutMask(seedKey(seed), 3, COUNT, 0.5);
      const sum = dropped.reduce((total, value) => total + value, 0);
      const kept = dropped.filter((value) => value !== 0).length;
      expect(Math.abs(sum - COUNT)).toBeLessThan(400);
      expect(Math.abs(kept - COUNT / 2)).toBeLessThan(200);
    }
  });

  it('keeps the expectation at other rates, and everything at rate 0', () => {
    const mask = dropoutMask(seedKey(1), 0, COUNT, 0.2);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1.25)]));
    expect(Math.abs(mask.filter((value) => value === 0).length - 0.2 * COUNT)).toBeLessThan(200);
    expect(new Set(dropoutMask(seedKey(1), 0, 100, 0))).toEqual(new Set([1]));
  });

  it('is a pure function of the key and the layer', () => {
    const mask = dropoutMask(seedKey(1), 0, 100, 0.5);
    expect(dropoutMask(seedKey(1), 0, 100, 0.5)).toEqual(mask);
    expect(dropoutMask(seedKey(2), 0, 100, 0.5)).not.toEqual(mask);
    expect(dropoutMask(seedKey(1), 1, 100, 0.5)).not.toEqual(mask);
  });
});
