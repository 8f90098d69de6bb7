import { describe, expect, it } from 'vitest';
import { spreadOf } from '../../bench/statistics.js';

describe('spreadOf', () => {
  it('takes the value in the middle', () => {
    expect(spreadOf([9, 1, 4])).toEqual({ median: 4, min: 1, max: 9, values: [9, 1, 4] });
  });

  it('takes the mean of the two in the middle', () => {
    expect(spreadOf([4, 1, 2, 100]).median).toBe(3);
  });

  it('refuses to summarise nothing', () => {
    expect(() => spreadOf([])).toThrow('at least one value');
  });
});
