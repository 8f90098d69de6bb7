import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SCHEDULE_NAMES } from '../../../src/coordinator/run/schedules.js';
import { learningRateAt } from '../../../src/coordinator/training/learningRate.js';
import type { RateOptions, ScheduleContext } from '../../../src/coordinator/training/learningRate.js';
import { recipe } from '../../support/recipes.js';

interface GoldenRun {
  readonly lr: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly rates: readonly number[];
}

interface WarmedUpRun extends GoldenRun {
  readonly warmupEpochs: number;
}

/** The rates of PyTorch's schedulers: test/golden/schedules.py. */
const golden = JSON.parse(readFileSync(new URL('../../golden/schedules.json', import.meta.url), 'utf8')) as {
  readonly multistep: readonly (GoldenRun & {
    readonly milestones: readonly number[];
    readonly gamma: number;
  })[];
  readonly cosine: readonly GoldenRun[];
  readonly cosineToFinalRate: readonly (GoldenRun & { readonly finalLr: number })[];
  readonly triangular: readonly WarmedUpRun[];
  readonly triangularWithFractions: readonly WarmedUpRun[];
  readonly onecycle: readonly GoldenRun[];
};

const labelled = <Run extends GoldenRun>(runs: readonly Run[]): [string, Run][] =>
  runs.map((run) => [`${run.epochs} x ${run.stepsPerEpoch} steps at ${run.lr}`, run]);

function expectRates(run: GoldenRun, options: Partial<RateOptions>): void {
  const context: ScheduleContext = { ...recipe(), ...run, ...options };
  expect(run.rates).toHaveLength(run.epochs * run.stepsPerEpoch);
  run.rates.forEach((expected, step) => {
    expect(Math.abs(learningRateAt(step, context) - expected)).toBeLessThan(1e-12 * run.lr + 1e-9 * expected);
  });
}

describe('learningRateAt agrees with PyTorch', () => {
  it.each(labelled(golden.multistep))('MultiStepLR: %s', (_label, run) => {
    expectRates(run, { schedule: 'multistep', milestones: run.milestones, gamma: run.gamma });
  });

  it.each(labelled(golden.cosine))('CosineAnnealingLR: %s', (_label, run) => {
    expectRates(run, { schedule: 'cosine' });
  });

  it.each(labelled(golden.cosineToFinalRate))('CosineAnnealingLR with eta_min: %s', (_label, run) => {
    expectRates(run, { schedule: 'cosine', finalLr: run.finalLr });
  });

  it.each(labelled(golden.triangular))('SequentialLR of two LinearLR: %s', (_label, run) => {
    expectRates(run, { schedule: 'triangular', warmupEpochs: run.warmupEpochs });
  });

  it.each(labelled(golden.triangularWithFractions))('LambdaLR, a peak between steps: %s', (_label, run) => {
    expectRates(run, { schedule: 'triangular', warmupEpochs: run.warmupEpochs });
  });

  it.each(labelled(golden.onecycle))('OneCycleLR: %s', (_label, run) => {
    expectRates(run, { schedule: 'onecycle' });
  });

  it('was checked for runs of 1 to 5 steps, too', () => {
    const lengths = new Set(golden.onecycle.map(({ rates }) => rates.length));
    expect([1, 2, 3, 4, 5].every((length) => lengths.has(length))).toBe(true);
  });
});

describe('learningRateAt', () => {
  const base: ScheduleContext = {
    ...recipe({ schedule: 'constant', lr: 0.2, epochs: 4 }),
    stepsPerEpoch: 5,
  };

  it('is constant where that is asked for', () => {
    for (let step = 0; step < 20; step++) expect(learningRateAt(step, base)).toBe(0.2);
  });

  it.each(SCHEDULE_NAMES)('is a positive number in runs of any shape: %s', (schedule) => {
    const milestones = [1, 2];
    for (let epochs = 1; epochs <= 4; epochs++) {
      for (let stepsPerEpoch = 1; stepsPerEpoch <= 7; stepsPerEpoch++) {
        for (let step = 0; step < epochs * stepsPerEpoch; step++) {
          const rate = learningRateAt(step, { ...base, schedule, milestones, epochs, stepsPerEpoch });
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(0.2 + 1e-15);
        }
      }
    }
  });

  it('rises linearly during the warm-up: equal increments from zero, reaching the rate just after it', () => {
    const context = { ...base, warmupEpochs: 2 };
    for (let step = 0; step < 10; step++) {
      expect(learningRateAt(step, context)).toBeCloseTo((0.2 * (step + 1)) / 11, 15);
    }
    expect(learningRateAt(10, context)).toBe(0.2);
  });

  it('warms up over a part of an epoch', () => {
    const context = { ...base, warmupEpochs: 0.4 }; // two steps
    expect(learningRateAt(0, context)).toBeCloseTo(0.2 / 3, 15);
    expect(learningRateAt(1, context)).toBeCloseTo(0.4 / 3, 15);
    expect(learningRateAt(2, context)).toBe(0.2);
  });

  it('goes on with the whole cosine in the steps that the warm-up leaves', () => {
    const context: ScheduleContext = { ...base, schedule: 'cosine', warmupEpochs: 1 };
    expect(learningRateAt(5, context)).toBeCloseTo(0.2, 15);
    for (let step = 5; step < 20; step++) {
      const expected = 0.1 * (1 + Math.cos((Math.PI * (step - 5)) / 15));
      expect(learningRateAt(step, context)).toBeCloseTo(expected, 14);
    }
  });

  it('counts milestones from the start of the run, warm-up included', () => {
    const context: ScheduleContext = {
      ...base,
      ...{ schedule: 'multistep', milestones: [2], gamma: 0.5 },
      warmupEpochs: 1,
    };
    expect(learningRateAt(9, context)).toBe(0.2);
    expect(learningRateAt(10, context)).toBe(0.1);
  });
});
