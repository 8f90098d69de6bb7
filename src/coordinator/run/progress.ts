/** How far a run has come: what a checkpoint holds besides the vectors, so that a resumed run ends in the same weights. */

import { z } from 'zod';
import { LockstepError } from '../../foundation/errors.js';
import { contributorsSchema } from './contributors.js';
import { NO_EPOCH_YET } from './earlyStopping.js';

const nullableCount = z.int().min(0).nullable();

export const trainingProgressSchema = z.strictObject({
  /** Steps completed since the run began. */
  step: z.int().min(0),
  /** The epoch in progress, counted from 0, and the steps completed in it. */
  epoch: z.int().min(0),
  stepInEpoch: z.int().min(0),
  /** Sums over the epoch in progress. */
  epochTotals: z.strictObject({
    lossSum: z.number(),
    correct: z.int().min(0),
    samples: z.int().min(0),
    seconds: z.number().min(0),
  }),
  earlyStopping: z.strictObject({
    bestEpoch: nullableCount,
    bestAccuracy: z.number().nullable(),
    epochsWithoutImprovement: z.int().min(0),
  }),
  /** The following three include earlier processes of the run. */
  wallSeconds: z.number().min(0),
  stepSeconds: z.number().min(0),
  images: z.int().min(0),
  /** Numerics class → { engine, exact }, of gradients and validations: both decide which weights are kept. */
  contributors: contributorsSchema,
});

export type TrainingProgress = z.infer<typeof trainingProgressSchema>;

export function freshProgress(): TrainingProgress {
  return {
    step: 0,
    epoch: 0,
    stepInEpoch: 0,
    epochTotals: emptyTotals(),
    earlyStopping: NO_EPOCH_YET,
    wallSeconds: 0,
    stepSeconds: 0,
    images: 0,
    contributors: {},
  };
}

export function emptyTotals(): TrainingProgress['epochTotals'] {
  return { lossSum: 0, correct: 0, samples: 0, seconds: 0 };
}

/** More than any run has. Far beyond this, adding 1 would not change the number. */
const MAX_STEPS = 2 ** 48;

interface Plan {
  readonly stepsPerEpoch: number;
  /** Of the whole run: its last epoch may be cut short. */
  readonly totalSteps: number;
  readonly batchSize: number;
}

/**
 * Checks whether a run with this plan can have the progress that the checkpoint states.
 * @throws LockstepError E_CHECKPOINT
 */
export function checkProgress(progress: TrainingProgress, plan: Plan): void {
  const { stepsPerEpoch, totalSteps, batchSize } = plan;
  const { step, epoch, stepInEpoch, images, epochTotals } = progress;
  const { bestEpoch, epochsWithoutImprovement } = progress.earlyStopping;
  const isAfterCut = stepInEpoch === 0 && step >= totalSteps && epoch === Math.ceil(step / stepsPerEpoch);
  const isPossible =
    step <= MAX_STEPS &&
    stepInEpoch <= stepsPerEpoch &&
    (step === epoch * stepsPerEpoch + stepInEpoch || isAfterCut) &&
    images <= step * batchSize &&
    epochTotals.samples <= stepInEpoch * batchSize &&
    epochTotals.correct <= epochTotals.samples &&
    Math.max(bestEpoch ?? 0, epochsWithoutImprovement) <= epoch;
  if (isPossible) return;
  throw new LockstepError(
    'E_CHECKPOINT',
    `the checkpoint says step ${step}, epoch ${epoch}, ${stepInEpoch} steps into it, ${images} images, which is impossible with ` +
      `${stepsPerEpoch} steps an epoch of at most ${batchSize} images; use another checkpoint, or start a new run`,
  );
}
