/** What a training run is asked to do. Every field is resolved: no default is applied after this point. */

import { z } from 'zod';
import { MODEL_NAMES } from '../../model/index.js';
import { LARGEST_CROP_PADDING } from '../../protocol/index.js';

const positive = z.int().min(1);

/** What a data set may be called. */
export const DATASET_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

export const SCHEDULE_NAMES = ['multistep', 'cosine', 'onecycle', 'constant'] as const;

/**
 * The fields that decide the weights, named as on the command line. Two runs with equal recipes, on workers of one
 * exact numerics class, end in the same bits. A resumed run keeps its recipe.
 */
export const recipeSchema = z.strictObject({
  /** `cifar10`, `synthetic`, or the name that a program gave its own data. */
  dataset: z.string().regex(DATASET_NAME),
  /** Training samples to use; null for all. */
  trainLimit: positive.nullable(),
  valSize: z.int().min(0),
  stratify: z.boolean(),
  model: z.enum(MODEL_NAMES),
  dropout: z.number().min(0).lt(1),
  epochs: positive,
  maxSteps: positive.nullable(),
  batchSize: positive,
  microBatch: positive,
  lr: z.number().positive(),
  momentum: z.number().min(0).lt(1),
  nesterov: z.boolean(),
  weightDecay: z.number().min(0),
  schedule: z.enum(SCHEDULE_NAMES),
  /** Epochs after which the rate is multiplied by `gamma`; multistep only. */
  milestones: z.array(positive),
  gamma: z.number().positive(),
  warmupEpochs: z.number().min(0),
  /** Epochs without a better validation accuracy before stopping; 0 never stops. */
  patience: z.int().min(0),
  augment: z.boolean(),
  /** Pixels by which an image is padded before it is cropped. Checkpoints of older versions do not say it. */
  cropPadding: z.int().min(0).max(LARGEST_CROP_PADDING).default(4),
  /** Share of each training target that is spread over all classes; likewise. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  evalStatistics: z.enum(['running', 'batch']),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** Samples evaluated in one item: fixed, because rounding may differ between batch sizes. */
export const EVALUATION_CHUNK = 100;
