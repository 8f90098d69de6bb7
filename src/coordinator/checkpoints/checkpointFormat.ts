/** The metadata of a checkpoint file, and the names of its tensors. */

import { z } from 'zod';
import { recipeSchema } from '../run/recipe.js';
import { trainingProgressSchema } from '../run/progress.js';

export const FORMAT = 'lockstep-checkpoint/1';
/** Weights and running statistics have the names of the layout. */
export const MOMENTUM_PREFIX = 'momentum.';
export const BEST_PREFIX = 'best.';
export const AVERAGED_PREFIX = 'averaged.';
/** Keys of the safetensors metadata. */
export const METADATA = 'lockstep';
export const METADATA_DIGEST = 'lockstepSha256';

/** Numbers by channel. */
const normalisationSchema = z.strictObject({
  mean: z.array(z.number()),
  standardDeviation: z.array(z.number()),
});
export type StoredNormalisation = z.infer<typeof normalisationSchema>;

const partDigestsSchema = z.strictObject({ images: z.string(), labels: z.string() });
export const sampleDigestsSchema = z.strictObject({ training: partDigestsSchema, validation: partDigestsSchema });

export const checkpointMetadataSchema = z.object({
  format: z.literal(FORMAT),
  weightsSha256: z.string(),
  velocitySha256: z.string(),
  /** Present with the best weights. Older versions kept these in a separate file only. */
  bestWeightsSha256: z.string().optional(),
  /** Present with the average of earlier steps' weights, in runs that average. */
  averagedWeightsSha256: z.string().optional(),
  /** The network's description, which `model/` checks. Older versions stored its name only, in the recipe. */
  network: z.unknown().optional(),
  recipe: recipeSchema,
  progress: trainingProgressSchema,
  normalisation: normalisationSchema,
  /** Digests of the samples in use, to detect other data. Older versions did not store them. */
  samples: sampleDigestsSchema.optional(),
});
export type CheckpointMetadata = z.infer<typeof checkpointMetadataSchema>;
