/**
 * Checkpoints: parameters, running statistics and momentum as named safetensors, with the run's progress and recipe
 * in the metadata. Reading one back verifies the digests of metadata and vectors before anything is used.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { describeError, LockstepError } from '../foundation/errors.js';
import { littleEndianBytes } from '../foundation/littleEndian.js';
import { buildModel, digestState, tensorView } from '../model/index.js';
import type { Layout, Model, ModelState, TensorSpec } from '../model/index.js';
import { recipeSchema } from './config.js';
import type { Recipe } from './config.js';
import { trainingProgressSchema } from './progress.js';
import type { TrainingProgress } from './progress.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import type { NamedTensor } from './safetensors.js';

const FORMAT = 'lockstep-checkpoint/1';
const MOMENTUM_PREFIX = 'momentum.';
const METADATA = 'lockstep';
const METADATA_DIGEST = 'lockstepSha256';

export interface Checkpoint {
  readonly recipe: Recipe;
  readonly progress: TrainingProgress;
  readonly state: ModelState;
  /** The optimizer's momentum, (parameterCount). */
  readonly velocity: Float32Array;
  /** Standardisation of the training data; tells another data set apart, too. */
  readonly normalisation: StoredNormalisation;
}

const normalisationSchema = z.strictObject({
  mean: z.tuple([z.number(), z.number(), z.number()]),
  standardDeviation: z.tuple([z.number(), z.number(), z.number()]),
});
type StoredNormalisation = z.infer<typeof normalisationSchema>;

const metadataSchema = z.object({
  format: z.literal(FORMAT),
  weightsSha256: z.string(),
  velocitySha256: z.string(),
  recipe: recipeSchema,
  progress: trainingProgressSchema,
  normalisation: normalisationSchema,
});

/** Copies everything: the caller may go on changing its vectors. */
export function encodeCheckpoint(checkpoint: Checkpoint, layout: Layout): Buffer {
  const { recipe, progress, state, velocity, normalisation } = checkpoint;
  const metadata: z.infer<typeof metadataSchema> = {
    format: FORMAT,
    weightsSha256: digestState(state),
    velocitySha256: digestVector(velocity),
    recipe,
    progress,
    normalisation,
  };
  const named = (specs: readonly TensorSpec[], flat: Float32Array, prefix = ''): NamedTensor[] =>
    specs.map((spec) => ({ name: prefix + spec.name, shape: spec.shape, values: tensorView(flat, spec) }));
  const text = JSON.stringify(metadata);
  return encodeSafetensors({
    metadata: { [METADATA]: text, [METADATA_DIGEST]: digestText(text) },
    tensors: [
      ...named(layout.parameters, state.parameters),
      ...named(layout.statistics, state.statistics),
      ...named(layout.parameters, velocity, MOMENTUM_PREFIX),
    ],
  });
}

/** @throws LockstepError E_CHECKPOINT if the file is missing, damaged, or not a Lockstep checkpoint */
export async function readCheckpoint(file: string): Promise<Checkpoint & { readonly model: Model }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new LockstepError('E_CHECKPOINT', `cannot read the checkpoint ${file}: ${describeError(error)}`);
  }
  const { metadata, tensors } = decodeSafetensors(bytes, file);
  const { recipe, progress, normalisation, weightsSha256, velocitySha256 } = parseMetadata(metadata, file);
  const model = buildModel(recipe.model, recipe.dropout);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const gather = (specs: readonly TensorSpec[], length: number, prefix = ''): Float32Array => {
    const flat = new Float32Array(length);
    for (const spec of specs) {
      const values = byName.get(prefix + spec.name)?.values;
      if (values?.length !== spec.length)
        throw damaged(file, `tensor ${prefix}${spec.name} is missing or misshapen`);
      flat.set(values, spec.offset);
    }
    return flat;
  };
  const { layout } = model;
  const state = {
    parameters: gather(layout.parameters, layout.parameterCount),
    statistics: gather(layout.statistics, layout.statisticCount),
  };
  const velocity = gather(layout.parameters, layout.parameterCount, MOMENTUM_PREFIX);
  if (digestState(state) !== weightsSha256 || digestVector(velocity) !== velocitySha256) {
    throw damaged(file, 'its contents do not match the digest stored with them');
  }
  return { recipe, progress, normalisation, state, velocity, model };
}

function parseMetadata(
  metadata: Readonly<Record<string, string>>,
  file: string,
): z.infer<typeof metadataSchema> {
  const text = metadata[METADATA];
  if (text === undefined) throw damaged(file, 'it was not written by Lockstep');
  if (metadata[METADATA_DIGEST] !== digestText(text)) {
    throw damaged(file, 'its metadata do not match the digest stored with them');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(file, 'its metadata is not JSON');
  }
  const parsed = metadataSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw damaged(
    file,
    `its metadata is not a Lockstep checkpoint's (${parsed.error.issues[0]?.path.join('.') ?? ''})`,
  );
}

function damaged(file: string, what: string): LockstepError {
  return new LockstepError(
    'E_CHECKPOINT',
    `the checkpoint ${file} cannot be used: ${what}; use another checkpoint`,
  );
}

function digestText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function digestVector(vector: Float32Array): string {
  return createHash('sha256').update(littleEndianBytes(vector)).digest('hex');
}
