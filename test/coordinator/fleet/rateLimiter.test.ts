import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../src/coordinator/fleet/rateLimiter.js';

const PLENTY = { atOnce: 1e6, perMinute: 1e6 };
const passing = (limiter: RateLimiter, key: string, times: number, nowMs: number): number =>
  Array.from({ length: times }, () => limiter.take(key, nowMs)).filter(Boolean).length;

describe('limiter', () => {
  it('let so many through at once, and then so many a minute', () => {
    const limiter = new RateLimiter({ atOnce: 10, perMinute: 6 }, PLENTY);
    expect(passing(limiter, 'a', 50, 1000)).toBe(10);
    expect(passing(limiter, 'a', 50, 10_999)).toBe(0);
    expect(passing(limiter, 'a', 50, 11_000)).toBe(1);
    expect(passing(limiter, 'a', 50, 71_000)).toBe(6);
    expect(passing(limiter, 'a', 50, 1e9)).toBe(10); // no more is saved up
  });

  it('are of each key, and of all together', () => {
    const limiter = new RateLimiter({ atOnce: 2, perMinute: 1 }, { atOnce: 5, perMinute: 1 });
    expect(['a', 'b', 'c'].map((key) => passing(limiter, key, 9, 0))).toEqual([2, 2, 1]);
  });
});
