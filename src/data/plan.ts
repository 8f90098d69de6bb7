/**
 * Which samples each micro-batch holds: a pure function of (seed, epoch) and the sizes. It does not depend on the workers,
 * their number, or the order of their answers.
 */

import { invariant } from '../foundation/errors.js';
import { OptionError, use } from '../foundation/options/optionError.js';
import { deriveKey, Purpose, randomPermutation, seedKey } from '../foundation/random.js';

export interface EpochPlanOptions {
  /** The training part of the split. */
  readonly trainingIndices: Uint32Array;
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** Samples a step. */
  readonly batchSize: number;
  /** Samples a micro-batch, at most `batchSize`. */
  readonly microBatchSize: number;
  /** Leaves out the last samples of an epoch if they do not fill a step. */
  readonly dropLast?: boolean;
}

/** The position in its step, counted from 0: the leaf of the reduction tree. */
export interface MicroBatchPlan {
  /** Indices into the training set. */
  readonly samples: Uint32Array;
}

export interface StepPlan {
  /** Position in its epoch, counted from 0. */
  readonly stepInEpoch: number;
  readonly sampleCount: number;
  readonly microBatches: readonly MicroBatchPlan[];
}

export interface EpochPlan {
  readonly epoch: number;
  readonly steps: readonly StepPlan[];
}

/**
 * Shuffles the training part and cuts it into steps and micro-batches: each sample at most once in an epoch. Without
 * `dropLast`, the last step of an epoch may be smaller. The last micro-batch of a step may be smaller.
 * @throws LockstepError E_OPTION for impossible sizes.
 */
export function planEpoch(options: EpochPlanOptions): EpochPlan {
  const { trainingIndices, seed, epoch, batchSize, microBatchSize, dropLast = false } = options;
  checkBatchSizes(batchSize, microBatchSize);
  const key = deriveKey(seedKey(seed), Purpose.shuffle, epoch);
  const order = randomPermutation(trainingIndices.length, key).map((position) => trainingIndices[position]!);
  const used = order.subarray(0, dropLast ? order.length - (order.length % batchSize) : order.length);
  const steps = cut(used, batchSize).map((samples, stepInEpoch) => ({
    stepInEpoch,
    sampleCount: samples.length,
    microBatches: cut(samples, microBatchSize).map((part) => ({ samples: part })),
  }));
  return { epoch, steps };
}

/** The number of steps in an epoch. */
export function stepsPerEpoch(trainingCount: number, batchSize: number, dropLast = false): number {
  return dropLast ? Math.floor(trainingCount / batchSize) : Math.ceil(trainingCount / batchSize);
}

/** Cuts indices, in their order, into chunks for evaluation; the last may be smaller. */
export function planEvaluation(indices: Uint32Array, chunkSize: number): readonly Uint32Array[] {
  invariant(isCount(chunkSize), `a chunk of ${chunkSize} samples`);
  return cut(indices, chunkSize);
}

/** @throws LockstepError E_OPTION unless both are positive integers and a micro-batch fits into a batch. */
export function checkBatchSizes(batchSize: number, microBatchSize: number): void {
  refuseUnlessCount('batchSize', batchSize, 128);
  refuseUnlessCount('microBatch', microBatchSize, 32);
  if (microBatchSize <= batchSize) return;
  throw new OptionError(
    [
      { option: 'microBatch', value: microBatchSize },
      ' must not exceed ',
      { option: 'batchSize', value: batchSize },
    ],
    [use('microBatch', batchSize)],
  );
}

function refuseUnlessCount(option: string, value: number, example: number): void {
  if (isCount(value)) return;
  throw new OptionError([{ option, value }, ' must be a positive integer'], [use(option, example)]);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function cut(indices: Uint32Array, size: number): Uint32Array[] {
  return Array.from({ length: Math.ceil(indices.length / size) }, (_, part) =>
    indices.subarray(part * size, (part + 1) * size),
  );
}
