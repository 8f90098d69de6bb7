import { describe, expect, it } from 'vitest';
import { applySgd, mergeStatistics, STATISTICS_MOMENTUM } from '../../../src/coordinator/training/sgd.js';
import { NO_RULES, tensorRulesOf } from '../../../src/coordinator/training/tensorRules.js';
import { tensorView } from '../../../src/model/index.js';
import type { BatchNormalisationLayer, Model, TensorSpec } from '../../../src/model/index.js';
import { buildNetwork } from '../../../src/model/network.js';
import { LayoutBuilder } from '../../../src/model/layout.js';

const OPTIONS = { momentum: 0.9, weightDecay: 0.1, nesterov: true };

function threeTensors(): { layout: ReturnType<LayoutBuilder['build']>; frozen: TensorSpec } {
  const layout = new LayoutBuilder();
  layout.parameter('first', [2]);
  const frozen = layout.parameter('second', [3], { frozen: true });
  layout.parameter('third', [2]);
  return { layout: layout.build(), frozen };
}

const SGD_ALONE = { optimizer: 'sgd', lr: 0.1, muonLr: 0.24, muonMomentum: 0.6 } as const;
const USUAL = { ...SGD_ALONE, shiftLrFactor: 1, decayOn: 'all' } as const;

describe('rules for tensors', () => {
  it('leave frozen tensors alone, weight decay and momentum included, and no others', () => {
    const { layout, frozen } = threeTensors();
    const rules = tensorRulesOf({ layers: [], layout }, USUAL);
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
    const rules = tensorRulesOf({ layers, layout: layout.build() }, USUAL);
    const statistics = Float32Array.of(1, 1, 1, 1);
    const statisticSum = Float32Array.of(6, 6, 6, 6);
    const total = { sampleCount: 2, gradientSum: new Float32Array(0), statisticSum };
    mergeStatistics({ statistics }, total, rules);
    const usual = 1 + 2 * STATISTICS_MOMENTUM;
    [usual, usual, 1.8, 1.8].forEach((expected, index) => {
      expect(statistics[index]).toBeCloseTo(expected, 6);
    });
  });

  /** A network of a convolution with a bias and a normalisation, and the tensors that have rates of their own. */
  function ratedNetwork(): Model {
    return buildNetwork({
      name: 'rated',
      inputShape: { height: 2, width: 2, channels: 1 },
      classNames: ['one', 'other'],
      layers: [
        {
          kind: 'convolution',
          name: 'c',
          input: 'images',
          channels: 2,
          kernelSize: 1,
          stride: 1,
          bias: true,
        },
        { kind: 'batch-normalisation', name: 'n', input: 'c', epsilon: 1e-5 },
        { kind: 'global-average-pool', name: 'p', input: 'n' },
        { kind: 'dense', name: 'd', input: 'p', channels: 2 },
      ],
    });
  }

  /** Three steps of textbook SGD with Nesterov momentum on one number, in float32 where it is stored. */
  function byTheBook(lr: number, decay: number): number {
    let [value, velocity] = [0.5, 0];
    for (let count = 0; count < 3; count++) {
      const gradient = 0.25 + decay * value;
      velocity = Math.fround(0.9 * velocity + gradient);
      value = Math.fround(value - lr * (gradient + 0.9 * velocity));
    }
    return value;
  }

  it.each([
    { shiftLrFactor: 64, decayOn: 'all', weight: [1, 1], scale: [1, 1], shift: [64, 1 / 64], bias: [1, 1] },
    { shiftLrFactor: 1, decayOn: 'weights', weight: [1, 1], scale: [1, 0], shift: [1, 0], bias: [1, 0] },
    { shiftLrFactor: 4, decayOn: 'weights', weight: [1, 1], scale: [1, 0], shift: [4, 0], bias: [1, 0] },
  ] as const)(
    'give rates of their own with $shiftLrFactor and $decayOn',
    ({ weight, scale, shift, bias, ...options }) => {
      const model = ratedNetwork();
      const rules = tensorRulesOf(model, { ...SGD_ALONE, ...options });
      const { parameterCount, parameters: specs } = model.layout;
      const parameters = new Float32Array(parameterCount).fill(0.5);
      const velocity = new Float32Array(parameterCount);
      const total = {
        sampleCount: 4,
        gradientSum: new Float32Array(parameterCount).fill(1),
        statisticSum: new Float32Array(0),
      };
      const sgd = { momentum: 0.9, weightDecay: 0.01, nesterov: true };
      for (let count = 0; count < 3; count++) applySgd(parameters, velocity, total, 0.125, sgd, rules);
      const factors = {
        'c.weight': weight,
        'c.bias': bias,
        'n.scale': scale,
        'n.shift': shift,
        'd.weight': weight,
        'd.bias': bias,
      };
      for (const spec of specs) {
        const [lrFactor, decayFactor] = factors[spec.name as keyof typeof factors];
        expect(tensorView(parameters, spec)[0], spec.name).toBe(
          byTheBook(0.125 * lrFactor, 0.01 * decayFactor),
        );
      }
    },
  );
});
