import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { applySgd, mergeStatistics } from '../../../src/coordinator/training/sgd.js';
import { thrownBy } from '../../support/errors.js';
import { largestRelativeError } from '../../support/numbers.js';

interface Golden {
  readonly momentum: number;
  readonly weightDecay: number;
  readonly learningRates: readonly number[];
  readonly initialParameters: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  readonly parametersAfterStep: Readonly<Record<'plain' | 'nesterov', readonly (readonly number[])[]>>;
}

/** What torch.optim.SGD made of the same gradients: test/golden/sgd.py. */
const golden = JSON.parse(readFileSync(new URL('../../golden/sgd.json', import.meta.url), 'utf8')) as Golden;

const NO_STATISTICS = new Float32Array(0);

describe('applySgd', () => {
  it.each(['plain', 'nesterov'] as const)('agrees with PyTorch over ten steps: %s momentum', (kind) => {
    const { momentum, weightDecay, learningRates, gradients } = golden;
    const parameters = Float32Array.from(golden.initialParameters);
    const velocity = new Float32Array(parameters.length);
    const sampleCount = 128; // a power of two: the sums that are made here lose nothing
    gradients.forEach((gradient, step) => {
      const gradientSum = Float32Array.from(gradient, (value) => value * sampleCount);
      const total = { sampleCount, gradientSum, statisticSum: NO_STATISTICS };
      applySgd(parameters, velocity, total, learningRates[step]!, {
        momentum,
        weightDecay,
        nesterov: kind === 'nesterov',
      });
      const expected = golden.parametersAfterStep[kind][step]!;
      expect(largestRelativeError(parameters, expected)).toBeLessThan(5e-7);
      parameters.forEach((value, index) =>
        expect(Math.abs(value - expected[index]!)).toBeLessThanOrEqual(
          2e-6 * Math.abs(expected[index]!) + 1e-7,
        ),
      );
    });
    expect(gradients).toHaveLength(10);
  });

  it('divides the sum by the sample count once', () => {
    const parameters = Float32Array.of(1);
    const total = { sampleCount: 4, gradientSum: Float32Array.of(2), statisticSum: NO_STATISTICS };
    applySgd(parameters, new Float32Array(1), total, 0.5, { momentum: 0, weightDecay: 0, nesterov: false });
    expect(parameters[0]).toBe(0.75);
  });

  it('decays every parameter by the rate times the decay where there is no gradient', () => {
    const parameters = Float32Array.of(2, -4);
    const total = { sampleCount: 1, gradientSum: new Float32Array(2), statisticSum: NO_STATISTICS };
    applySgd(parameters, new Float32Array(2), total, 0.5, {
      momentum: 0.9,
      weightDecay: 0.25,
      nesterov: false,
    });
    expect([...parameters]).toEqual([1.75, -3.5]);
  });

  it('leaves the gradient as it was, and refuses vectors of different lengths', () => {
    const total = { sampleCount: 1, gradientSum: Float32Array.of(1, 2), statisticSum: NO_STATISTICS };
    const options = { momentum: 0.9, weightDecay: 0, nesterov: true };
    applySgd(new Float32Array(2), new Float32Array(2), total, 1, options);
    expect([...total.gradientSum]).toEqual([1, 2]);
    thrownBy('E_INTERNAL', () => applySgd(new Float32Array(3), new Float32Array(3), total, 1, options));
    thrownBy('E_INTERNAL', () => applySgd(new Float32Array(2), new Float32Array(1), total, 1, options));
  });
});

describe('mergeStatistics', () => {
  it('moves a tenth of the way towards the mean over the samples, as BatchNorm2d does', () => {
    const state = { parameters: new Float32Array(0), statistics: Float32Array.of(0, 1, -2) };
    // Micro-batches of 3 and 1 samples with statistics (1, 2, 4) and (5, 10, -4): weighted means (2, 4, 2).
    const statisticSum = Float32Array.of(3 * 1 + 5, 3 * 2 + 10, 3 * 4 - 4);
    mergeStatistics(state, { sampleCount: 4, gradientSum: new Float32Array(0), statisticSum });
    [0.2, 1.3, -1.6].forEach((expected, index) => expect(state.statistics[index]).toBeCloseTo(expected, 6));
  });

  it('comes to rest at constant statistics', () => {
    const state = { parameters: new Float32Array(0), statistics: Float32Array.of(0) };
    const total = { sampleCount: 2, gradientSum: new Float32Array(0), statisticSum: Float32Array.of(6) };
    for (let step = 0; step < 300; step++) mergeStatistics(state, total);
    expect(state.statistics[0]).toBeCloseTo(3, 5);
  });
});
