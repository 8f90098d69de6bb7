import { describe, expect, it } from 'vitest';
import { applySgd, mergeStatistics, STATISTICS_MOMENTUM } from '../../../src/coordinator/training/sgd.js';
import { NO_RULES, tensorRulesOf } from '../../../src/coordinator/training/tensorRules.js';
import type { BatchNormalisationLayer, TensorSpec } from '../../../src/model/index.js';
import { LayoutBuilder } from '../../../src/model/layout.js';

const OPTIONS = { momentum: 0.9, weightDecay: 0.1, nesterov: true };

function threeTensors(): { layout: ReturnType<LayoutBuilder['build']>; frozen: TensorSpec } {
  const layout = new LayoutBuilder();
  layout.parameter('first', [2]);
  const frozen = layout.parameter('second', [3], { frozen: true });
  layout.parameter('third', [2]);
  return { layout: layout.build(), frozen };
}

describe('rules for tensors', () => {
  it('leave frozen tensors alone, weight decay and momentum included, and no others', () => {
    const { layout, frozen } = threeTensors();
    const rules = tensorRulesOf({ layers: [], layout });
    const total = {
      sampleCount: 2,
      gradientSum: Float32Array.of(1, 2, 0, 0, 0, 3, 4),
      statisticSum: new Float32Array(0),
    };
    const step = (given: typeof rules): [Float32Array, Float32Array] => {
      const parameters = Float32Array.of(1, -1, 2, 3, 4, 5, 6);
      const velocity = new Float32Array(7);
      for (let count = 0; count < 3; count++) applySgd(parameters, velocity, total, 0.5, OPTIONS, given);
      return [parameters, velocity];
    };
    const [usual, usualVelocity] = step(NO_RULES);
    const [parameters, velocity] = step(rules);
    expect([...parameters.subarray(frozen.offset, frozen.offset + 3)]).toEqual([2, 3, 4]);
    expect([...velocity.subarray(frozen.offset, frozen.offset + 3)]).toEqual([0, 0, 0]);
    expect(usual[frozen.offset]).not.toBe(2);
    for (const index of [0, 1, 5, 6]) {
      expect(parameters[index]).toBe(usual[index]);
      expect(velocity[index]).toBe(usualVelocity[index]);
    }
  });

  it('give running statistics the momentum of their layer', () => {
    const layout = new LayoutBuilder();
    const shape = { height: 1, width: 1, channels: 1 };
    const layers = [undefined, 0.4].map((momentum, index): BatchNormalisationLayer => ({
      ...{ kind: 'batch-normalisation', name: `n${index}`, input: -1, inputShape: shape },
      ...{ outputShape: shape, epsilon: 1e-5 },
      ...(momentum !== undefined && { momentum }),
      scale: layout.parameter(`n${index}.scale`, [1]),
      shift: layout.parameter(`n${index}.shift`, [1]),
      runningMean: layout.statistic(`n${index}.mean`, [1]),
      runningVariance: layout.statistic(`n${index}.variance`, [1]),
    }));
    const rules = tensorRulesOf({ layers, layout: layout.build() });
    const statistics = Float32Array.of(1, 1, 1, 1);
    const statisticSum = Float32Array.of(6, 6, 6, 6);
    const total = { sampleCount: 2, gradientSum: new Float32Array(0), statisticSum };
    mergeStatistics({ statistics }, total, rules);
    const usual = 1 + 2 * STATISTICS_MOMENTUM;
    [usual, usual, 1.8, 1.8].forEach((expected, index) => {
      expect(statistics[index]).toBeCloseTo(expected, 6);
    });
  });
});
