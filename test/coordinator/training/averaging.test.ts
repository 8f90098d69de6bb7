import { describe, expect, it } from 'vitest';
import { updateAverage } from '../../../src/coordinator/training/averaging.js';
import type { ModelState } from '../../../src/model/index.js';

const stateOf = (value: number): ModelState => ({
  parameters: Float32Array.of(value, -value),
  statistics: Float32Array.of(2 * value),
});

describe('averages of weights', () => {
  it('ema: of ten steps, as the definition says', () => {
    const average = stateOf(1);
    let expected = 1;
    for (let step = 1; step <= 10; step++) {
      const weights = stateOf(step);
      updateAverage(average, weights, { averaging: 'ema', emaDecay: 0.5, step, totalSteps: 10 });
      const decay = Math.min(0.5, (1 + step) / (10 + step));
      expected = decay * expected + (1 - decay) * step;
      expect(weights.parameters[0]).toBe(step);
    }
    expect(average.parameters[0]).toBeCloseTo(expected, 5);
    expect(average.parameters[1]).toBeCloseTo(-expected, 5);
    expect(average.statistics[0]).toBeCloseTo(2 * expected, 5);
  });

  it('lookahead: every fifth step the weights become the average, and after the last step as it is', () => {
    const average = stateOf(0);
    let weights = stateOf(0);
    let slow = 0;
    for (let step = 1; step <= 13; step++) {
      const fast = weights.parameters[0]! + 1;
      weights = stateOf(fast);
      updateAverage(average, weights, { averaging: 'lookahead', emaDecay: 0, step, totalSteps: 13 });
      if (step % 5 === 0) {
        const decay = 0.95 ** 5 * (step / 13) ** 3;
        slow = decay * slow + (1 - decay) * fast;
      }
      const isReplaced = step % 5 === 0 || step === 13;
      expect(weights.parameters[0]).toBeCloseTo(isReplaced ? slow : fast, 4);
      expect(weights.statistics[0]).toBeCloseTo(2 * (isReplaced ? slow : fast), 4);
    }
  });
});
