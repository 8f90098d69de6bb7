import { describe, expect, it } from 'vitest';
import { NO_EPOCH_YET, observeAccuracy, patienceIsOver } from '../../../src/coordinator/run/earlyStopping.js';
import type { EarlyStopping } from '../../../src/coordinator/run/earlyStopping.js';
import { freshProgress } from '../../../src/coordinator/run/progress.js';

const after = (accuracies: readonly number[]): EarlyStopping =>
  accuracies.reduce((state, accuracy, index) => observeAccuracy(state, index + 1, accuracy), NO_EPOCH_YET);

describe('early stopping', () => {
  it('remembers the best epoch, counted from 1', () => {
    expect(after([0.1, 0.5, 0.3])).toEqual({ bestEpoch: 2, bestAccuracy: 0.5, epochsWithoutImprovement: 1 });
    expect(after([0.1, 0.5, 0.3, 0.6])).toMatchObject({ bestEpoch: 4, epochsWithoutImprovement: 0 });
  });

  it('takes the earliest of equals, and an accuracy of zero as the first', () => {
    expect(after([0, 0, 0])).toEqual({ bestEpoch: 1, bestAccuracy: 0, epochsWithoutImprovement: 2 });
    expect(after([0.5, 0.5])).toMatchObject({ bestEpoch: 1, epochsWithoutImprovement: 1 });
  });

  it('leaves the value that it was given as it was', () => {
    observeAccuracy(NO_EPOCH_YET, 1, 0.5);
    expect(NO_EPOCH_YET).toEqual({ bestEpoch: null, bestAccuracy: null, epochsWithoutImprovement: 0 });
    expect(freshProgress().earlyStopping).toEqual(NO_EPOCH_YET);
  });

  it('is over after as many epochs without improvement as the patience says', () => {
    expect(patienceIsOver(after([0.5, 0.4]), 2)).toBe(false);
    expect(patienceIsOver(after([0.5, 0.4, 0.4]), 2)).toBe(true);
    expect(patienceIsOver(after([0.5, 0.4]), 1)).toBe(true);
    expect(patienceIsOver(NO_EPOCH_YET, 1)).toBe(false);
  });

  it('is never over with a patience of 0', () => {
    expect(patienceIsOver(after(new Array<number>(500).fill(0.1)), 0)).toBe(false);
  });
});
