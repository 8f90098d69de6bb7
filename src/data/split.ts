/** Splits the training set into a training and a validation part, as a pure function of the seed. */

import { LockstepError } from '../foundation/errors.js';
import { deriveKey, Purpose, randomPermutation, seedKey } from '../foundation/random.js';

export interface SplitOptions {
  /** Samples in the whole training set. */
  readonly sampleCount: number;
  readonly validationSize: number;
  readonly seed: number;
  /** Limits the training part; the validation part does not change. */
  readonly trainLimit?: number | undefined;
  /** The label of each sample. If given, the validation part has the class proportions of the whole set. */
  readonly stratifiedLabels?: Uint8Array | undefined;
}

/** Sample indices of the two parts, each in the split's random order. */
export interface TrainingSplit {
  readonly training: Uint32Array;
  readonly validation: Uint32Array;
}

/** @throws LockstepError E_OPTION if the parts cannot have the sizes asked for. */
export function splitTrainingSet(options: SplitOptions): TrainingSplit {
  checkSizes(options);
  const { sampleCount, validationSize, seed, trainLimit, stratifiedLabels } = options;
  const order = randomPermutation(sampleCount, deriveKey(seedKey(seed), Purpose.split));
  const { training, validation } =
    stratifiedLabels === undefined
      ? { validation: order.slice(0, validationSize), training: order.slice(validationSize) }
      : takeStratified(order, stratifiedLabels, validationSize);
  return { validation, training: trainLimit === undefined ? training : training.slice(0, trainLimit) };
}

function checkSizes({ sampleCount, validationSize, trainLimit, stratifiedLabels }: SplitOptions): void {
  if (!Number.isInteger(validationSize) || validationSize < 0 || validationSize >= sampleCount) {
    throw new LockstepError(
      'E_OPTION',
      `validation size ${validationSize} must be an integer from 0 to ${sampleCount - 1}, so that at least one of the ` +
        `${sampleCount} samples is left to train on; use --val-size ${Math.floor(sampleCount / 10)}`,
    );
  }
  const available = sampleCount - validationSize;
  if (
    trainLimit !== undefined &&
    !(Number.isInteger(trainLimit) && trainLimit >= 1 && trainLimit <= available)
  ) {
    throw new LockstepError(
      'E_OPTION',
      `train limit ${trainLimit} must be an integer from 1 to ${available}, the samples left by a validation part of ` +
        `${validationSize}; use --train-limit ${available} or leave it out`,
    );
  }
  if (stratifiedLabels !== undefined && stratifiedLabels.length !== sampleCount) {
    throw new LockstepError(
      'E_INTERNAL',
      `internal error: ${stratifiedLabels.length} labels for ${sampleCount} samples; please report it`,
    );
  }
}

function takeStratified(order: Uint32Array, labels: Uint8Array, validationSize: number): TrainingSplit {
  const open = validationQuotas(labels, validationSize);
  const validation: number[] = [];
  const training: number[] = [];
  for (const index of order) {
    const label = labels[index]!;
    if (open[label]! > 0) {
      open[label]!--;
      validation.push(index);
    } else {
      training.push(index);
    }
  }
  return { training: Uint32Array.from(training), validation: Uint32Array.from(validation) };
}

/** Validation samples per class, by largest remainder; for equal remainders the lower label comes first. */
function validationQuotas(labels: Uint8Array, validationSize: number): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const label of labels) counts[label]!++;
  const quotas = counts.map((count) => Math.floor((count * validationSize) / labels.length));
  let missing = validationSize - quotas.reduce((sum, quota) => sum + quota, 0);
  const remainders = counts.map((count, label) => ({
    label,
    value: (count * validationSize) % labels.length,
  }));
  remainders.sort((a, b) => b.value - a.value || a.label - b.label);
  for (const { label } of remainders) {
    if (missing === 0) break;
    quotas[label]!++;
    missing--;
  }
  return quotas;
}
