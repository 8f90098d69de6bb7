/** Early stopping on validation accuracy, as a value that is replaced, never changed. */

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

/** After an epoch's validation. Only a strictly better accuracy counts, so the earliest of equals stays the best. */
export function observeAccuracy(state: EarlyStopping, epoch: number, accuracy: number): EarlyStopping {
  if (state.bestAccuracy === null || accuracy > state.bestAccuracy) {
    return { bestEpoch: epoch, bestAccuracy: accuracy, epochsWithoutImprovement: 0 };
  }
  return { ...state, epochsWithoutImprovement: state.epochsWithoutImprovement + 1 };
}

/** @param patience epochs to go on without an improvement; 0 never stops */
export function patienceIsOver(state: EarlyStopping, patience: number): boolean {
  return patience > 0 && state.epochsWithoutImprovement >= patience;
}
