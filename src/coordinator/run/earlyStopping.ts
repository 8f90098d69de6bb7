/** Early stopping on validation accuracy, as an immutable value. */

export interface EarlyStopping {
  /** The epoch (counted from 1) with the best accuracy so far; null before the first. */
  readonly bestEpoch: number | null;
  readonly bestAccuracy: number | null;
  readonly epochsWithoutImprovement: number;
}

export const NO_EPOCH_YET: EarlyStopping = {
  bestEpoch: null,
  bestAccuracy: null,
  epochsWithoutImprovement: 0,
};

/** Notes an epoch's accuracy. Only a strictly better one counts, so the earliest of equal epochs stays the best. */
export function observeAccuracy(state: EarlyStopping, epoch: number, accuracy: number): EarlyStopping {
  if (state.bestAccuracy === null || accuracy > state.bestAccuracy) {
    return { bestEpoch: epoch, bestAccuracy: accuracy, epochsWithoutImprovement: 0 };
  }
  return { ...state, epochsWithoutImprovement: state.epochsWithoutImprovement + 1 };
}

/** @param patience the number of epochs without an improvement after which to stop; 0 never stops */
export function patienceIsOver(state: EarlyStopping, patience: number): boolean {
  return patience > 0 && state.epochsWithoutImprovement >= patience;
}
