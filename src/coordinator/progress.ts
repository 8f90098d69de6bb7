/** What a run has done so far, besides the weights: all that a checkpoint must hold to go on to the same end. */

import { z } from 'zod';
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
  /** Over all sittings. */
  wallSeconds: z.number().min(0),
  stepSeconds: z.number().min(0),
  images: z.int().min(0),
  /** Who computed gradients or validation, which both decide the weights that are kept, as numerics class → { engine, exact }. */
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
