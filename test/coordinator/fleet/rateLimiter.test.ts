import { describe, expect, it } from 'vitest';
import { Rations } from '../../../src/coordinator/fleet/rateLimiter.js';

const PLENTY = { atOnce: 1e6, perMinute: 1e6 };
const passing = (rations: Rations, key: string, times: number, nowMs: number): number =>
  Array.from({ length: times }, () => rations.take(key, nowMs)).filter(Boolean).length;

describe('rations', () => {
  it('let so many through at once, and then so many a minute', () => {
    const rations = new Rations({ atOnce: 10, perMinute: 6 }, PLENTY);
    expect(passing(rations, 'a', 50, 1000)).toBe(10);
    expect(passing(rations, 'a', 50, 10_999)).toBe(0);
    expect(passing(rations, 'a', 50, 11_000)).toBe(1);
    expect(passing(rations, 'a', 50, 71_000)).toBe(6);
    expect(passing(rations, 'a', 50, 1e9)).toBe(10); // no more is saved up
  });

  it('are of each key, and of all together', () => {
    const rations = new Rations({ atOnce: 2, perMinute: 1 }, { atOnce: 5, perMinute: 1 });
    expect(['a', 'b', 'c'].map((key) => passing(rations, key, 9, 0))).toEqual([2, 2, 1]);
  });
});
