/**
 * Reads checkpoints. A checkpoint holds parameters, running statistics, momentum and the best weights so far as named
 * safetensors, and the run's progress and recipe as metadata. Resuming needs only this one file. The digests of metadata
 * and vectors are verified before anything is used.
 */

import { createHash } from 'node:crypto';
import { formatOf, isFixedDataset, readRegularFile } from '../../data/index.js';
import type { SampleDigests } from '../../data/index.js';
import { describeError } from '../../foundation/errors.js';
import { littleEndianBytes } from '../../foundation/littleEndian.js';
import { buildModel, digestState, isPresetName, networkFrom, NETWORK_LIMITS } from '../../model/index.js';
import type { Layout, Model, ModelState, TensorSpec } from '../../model/index.js';
import {
  AVERAGED_PREFIX,
  BEST_PREFIX,
  checkpointMetadataSchema,
  METADATA,
  METADATA_DIGEST,
  MOMENTUM_PREFIX,
} from './checkpointFormat.js';
import type { CheckpointMetadata, StoredNormalisation } from './checkpointFormat.js';
import type { Recipe } from '../run/recipe.js';
import type { TrainingProgress } from '../run/progress.js';
import { decodeSafetensors, MOST_HEADER_BYTES } from './safetensors.js';
import { UnusableCheckpoint } from './unusableCheckpoint.js';
import { allFinite } from '../vectors/vectorKernels.js';
import type { NamedTensor } from './safetensors.js';

/** Parameters, momentum, the best and the averaged parameters of the largest network, its statistics thrice, and the header. */
const MOST_BYTES = 4 * (4 * NETWORK_LIMITS.parameters + 3 * NETWORK_LIMITS.statistics) + MOST_HEADER_BYTES;

export interface Checkpoint {
  readonly recipe: Recipe;
  readonly progress: TrainingProgress;
  readonly state: ModelState;
  /** The optimizer's momentum, (parameterCount). */
  readonly velocity: Float32Array;
  /** The weights of the best epoch so far; undefined if there is none, and in files of older versions. */
  readonly best: ModelState | undefined;
  /** The average of the weights of earlier steps; undefined in a run that averages nothing. */
  readonly averaged: ModelState | undefined;
  /** Mean and standard deviation of the training data, per channel. */
  readonly normalisation: StoredNormalisation;
  /** Digests of the samples that the run uses; undefined in files of older versions. */
  readonly samples: SampleDigests | undefined;
}

/** A checkpoint with the network that its vectors belong to. */
export interface StoredCheckpoint extends Checkpoint {
  readonly model: Model;
}

/** @throws LockstepError E_CHECKPOINT if the file is missing, damaged, or not a Lockstep checkpoint */
export async function readCheckpoint(file: string): Promise<StoredCheckpoint> {
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(file, checkSize);
  } catch (error) {
    throw new UnusableCheckpoint(`cannot read the checkpoint ${file}: ${describeError(error)}`);
  }
  const { metadata, tensors } = decodeSafetensors(bytes, file);
  const stored = parseMetadata(metadata, file);
  const { recipe, progress, normalisation, samples } = stored;
  const model = modelOf(stored, file);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const vectors = gatherVectors(model.layout, stored, { byName, file });
  if (!digestsAgree(vectors, stored)) {
    throw damaged(file, 'its contents do not match their digest');
  }
  if (!isFinite(vectors)) throw damaged(file, 'its weights are not finite: training had diverged');
  return { recipe, progress, normalisation, samples, ...vectors, model };
}

/** @throws LockstepError E_CHECKPOINT if the network cannot be built, or the file's data have other channels */
function modelOf({ network, recipe, normalisation }: CheckpointMetadata, file: string): Model {
  let model: Model;
  try {
    model = network === undefined ? namedModel(recipe) : networkFrom(network, 'of the checkpoint');
  } catch (error) {
    throw damaged(file, describeError(error));
  }
  const { channels } = model.inputShape;
  const { mean, standardDeviation } = normalisation;
  if (mean.length === channels && standardDeviation.length === channels) return model;
  throw damaged(file, `its normalisation has not ${channels} channels, as its network has`);
}

/** In files of older versions, which knew the data sets of one shape only. */
function namedModel({ model, dropout, dataset }: Recipe): Model {
  if (!isPresetName(model) || !isFixedDataset(dataset))
    throw new Error(`it holds no network, and its name ${model} makes none`);
  const { imageShape, classNames } = formatOf(dataset);
  return buildModel(model, dropout, { inputShape: imageShape, classNames });
}

function checkSize(byteCount: number): void {
  if (byteCount > MOST_BYTES) throw new Error(`it has ${byteCount} bytes, more than any checkpoint`);
}

type Vectors = Pick<Checkpoint, 'state' | 'velocity' | 'best' | 'averaged'>;

interface Source {
  readonly byName: ReadonlyMap<string, NamedTensor>;
  /** For messages. */
  readonly file: string;
}

function gatherVectors(layout: Layout, stored: CheckpointMetadata, { byName, file }: Source): Vectors {
  const gather = (specs: readonly TensorSpec[], length: number, prefix = ''): Float32Array => {
    const flat = new Float32Array(length);
    for (const spec of specs) {
      const tensor = byName.get(prefix + spec.name);
      if (!tensor || !equalShapes(tensor.shape, spec.shape))
        throw damaged(file, `tensor ${prefix}${spec.name} is missing or misshapen`);
      flat.set(tensor.values, spec.offset);
    }
    return flat;
  };
  const gatherState = (prefix?: string): ModelState => ({
    parameters: gather(layout.parameters, layout.parameterCount, prefix),
    statistics: gather(layout.statistics, layout.statisticCount, prefix),
  });
  return {
    state: gatherState(),
    velocity: gather(layout.parameters, layout.parameterCount, MOMENTUM_PREFIX),
    best: stored.bestWeightsSha256 === undefined ? undefined : gatherState(BEST_PREFIX),
    averaged: stored.averagedWeightsSha256 === undefined ? undefined : gatherState(AVERAGED_PREFIX),
  };
}

function isFinite({ state, velocity, best, averaged }: Vectors): boolean {
  const states = [state, best, averaged].filter((each) => each !== undefined);
  return [velocity, ...states.flatMap(({ parameters, statistics }) => [parameters, statistics])].every(
    allFinite,
  );
}

function equalShapes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function digestsAgree({ state, velocity, best, averaged }: Vectors, stored: CheckpointMetadata): boolean {
  return (
    digestState(state) === stored.weightsSha256 &&
    digestVector(velocity) === stored.velocitySha256 &&
    (best === undefined || digestState(best) === stored.bestWeightsSha256) &&
    (averaged === undefined || digestState(averaged) === stored.averagedWeightsSha256)
  );
}

function parseMetadata(metadata: Readonly<Record<string, string>>, file: string): CheckpointMetadata {
  const text = metadata[METADATA];
  if (text === undefined) throw damaged(file, 'it was not written by Lockstep');
  if (metadata[METADATA_DIGEST] !== createHash('sha256').update(text).digest('hex')) {
    throw damaged(file, 'its metadata does not match its digest');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(file, 'its metadata is not JSON');
  }
  const parsed = checkpointMetadataSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw damaged(
    file,
    `its metadata is not a Lockstep checkpoint's (${parsed.error.issues[0]?.path.join('.') ?? ''})`,
  );
}

function damaged(file: string, what: string): UnusableCheckpoint {
  return new UnusableCheckpoint(`the checkpoint ${file} cannot be used: ${what}`);
}

function digestVector(vector: Float32Array): string {
  return createHash('sha256').update(littleEndianBytes(vector)).digest('hex');
}
