import { describe, expect, it } from 'vitest';
import { checkProgress, freshProgress } from '../../../src/coordinator/run/progress.js';
import type { TrainingProgress } from '../../../src/coordinator/run/progress.js';
import { thrownBy } from '../../support/errors.js';

const PLAN = { stepsPerEpoch: 10, totalSteps: 47, batchSize: 8 };
const at = (change: Partial<TrainingProgress>): TrainingProgress => ({ ...freshProgress(), ...change });
const totals = { lossSum: 1, correct: 3, samples: 20, seconds: 1 };

describe('the progress of a checkpoint', () => {
  it.each<[string, Partial<TrainingProgress>]>([
    ['the beginning', {}],
    ['the middle of an epoch', { step: 23, epoch: 2, stepInEpoch: 3, images: 180, epochTotals: totals }],
    ['the last step of an epoch, before its end', { step: 30, epoch: 2, stepInEpoch: 10, images: 240 }],
    ['the end of an epoch', { step: 30, epoch: 3, images: 230 }],
    ['the end of an epoch that is cut short', { step: 47, epoch: 5, images: 360 }],
  ])('may be %s', (_where, change) => {
    checkProgress(at(change), PLAN);
  });

  it.each<[string, Partial<TrainingProgress>]>([
    ['a step that no epoch has', { step: 9007199254740990 }],
    ['a step that fits its epoch, but beyond all counting', { step: 2 ** 50, epoch: 2 ** 50 / 10 }],
    ['another number of steps an epoch', { step: 22, epoch: 2 }],
    ['the end of an epoch that is cut short elsewhere', { step: 46, epoch: 5 }],
    ['an epoch after one that was cut short', { step: 47, epoch: 6 }],
    ['more steps in the epoch than it has', { step: 31, epoch: 2, stepInEpoch: 11 }],
    ['more images than its steps can hold', { step: 10, epoch: 1, images: 81 }],
    ['more images in the epoch than its steps hold', { step: 2, stepInEpoch: 2, epochTotals: totals }],
    ['more right answers than images', { step: 9, stepInEpoch: 9, epochTotals: { ...totals, correct: 21 } }],
    [
      'a best epoch that is yet to come',
      {
        step: 10,
        epoch: 1,
        earlyStopping: { bestEpoch: 2, bestAccuracy: 0.5, epochsWithoutImprovement: 0 },
      },
    ],
  ])('cannot be %s', (_what, change) => {
    const error = thrownBy('E_CHECKPOINT', () => checkProgress(at(change), PLAN));
    expect(error.message).toContain('use another checkpoint');
  });
});
