import { describe, expect, it } from 'vitest';
import {
  EarlySigns,
  EARLY_STEPS,
  judgeFirstLoss,
  risesEarly,
} from '../../../src/coordinator/training/earlySigns.js';
import { buildModel, tensorView } from '../../../src/model/index.js';

const model = buildModel('resnet8');
const alive = { statisticSum: new Float32Array(model.layout.statisticCount).fill(1) };

function told(losses: readonly number[], { firstStep = 0, total = alive } = {}): readonly string[] {
  const messages: string[] = [];
  const signs = new EarlySigns(model, (message) => messages.push(message));
  losses.forEach((loss, place) => signs.see({ step: firstStep + place, loss, lr: 0.1, total }));
  return messages;
}

const falling = Array.from({ length: 40 }, (_, step) => 2.6 - step / 40);

describe('EarlySigns', () => {
  it('is silent in a run that learns', () => {
    expect(told(falling)).toEqual([]);
  });

  it('names a first loss that is far from ln(10), and the command that says more', () => {
    expect(told([9.5, 2, 2])).toEqual([
      expect.stringMatching(
        /^the loss of the first step is 9\.50, far from ln\(10\) = 2\.30.* lockstep check/,
      ),
    ]);
    expect(told([0.4])).toHaveLength(1);
  });

  it('names a rate that makes the loss leap, once, and one with which it creeps up', () => {
    expect(told([2.67, 29.8, 6.89, 10.15])).toEqual([
      expect.stringMatching(/rose from 2\.67 to 29\.80 in 2 steps/),
    ]);
    expect(told(Array.from({ length: EARLY_STEPS }, (_, step) => 2.4 + step / 15))).toHaveLength(1);
  });

  it('names the layer that puts out zeros only', () => {
    const statisticSum = alive.statisticSum.slice();
    const norm = model.layers.find(({ name }) => name === 'stack2.block1.norm1');
    if (norm?.kind !== 'batch-normalisation') throw new Error('no such layer');
    for (const spec of [norm.runningMean, norm.runningVariance]) tensorView(statisticSum, spec).fill(0);
    const [message] = told([2.4], { total: { statisticSum } });
    expect(message).toContain(`layer ${model.layers[norm.input]!.name} is dead`);
  });

  it('says nothing of a run that is resumed after its first step', () => {
    expect(told([90, 90], { firstStep: 7 })).toEqual([]);
  });
});

describe('the rules', () => {
  it.each([
    [Math.log(10), 'pass'],
    [3.4, 'pass'],
    [5, 'warn'],
    [8, 'fail'],
    [1.2, 'fail'],
    [NaN, 'fail'],
  ])('judge a first loss of %f of ten classes: %s', (loss, verdict) => {
    expect(judgeFirstLoss(loss, 10)).toBe(verdict);
  });

  it('take a loss that is not finite for one that has risen', () => {
    expect(risesEarly([2.3, NaN], 10)).toBe(true);
    expect(risesEarly([2.3, 2.2], 10)).toBe(false);
  });
});
