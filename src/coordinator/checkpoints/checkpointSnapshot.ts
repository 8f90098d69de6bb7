/**
 * Encodes checkpoints. Taking a snapshot stops training only to copy the vectors. Hashing, which takes longer, is done
 * afterwards in the background.
 */

import { createHash, webcrypto } from 'node:crypto';
import { littleEndianBytes } from '../../foundation/littleEndian.js';
import type { Layout, Model, ModelState, TensorSpec } from '../../model/index.js';
import type { Checkpoint } from './checkpoint.js';
import {
  AVERAGED_PREFIX,
  BEST_PREFIX,
  FORMAT,
  METADATA,
  METADATA_DIGEST,
  MOMENTUM_PREFIX,
} from './checkpointFormat.js';
import type { CheckpointMetadata } from './checkpointFormat.js';
import { encodeSafetensorsHeader } from './safetensors.js';

/** The state at one moment, ready to be written while the run goes on. */
export interface CheckpointSnapshot {
  /** Steps completed at that moment. */
  readonly step: number;
  /** @returns the file's content, as pieces in order. Hashes in the background. */
  encode(): Promise<readonly Uint8Array[]>;
}

/** Copies the vectors, so the caller may change them afterwards. */
export function takeSnapshot(
  checkpoint: Checkpoint,
  { layout, description }: Pick<Model, 'layout' | 'description'>,
): CheckpointSnapshot {
  const { state, velocity, best, averaged, recipe, progress, normalisation, samples } = checkpoint;
  const parts = [vectorsOf(state), [velocity], vectorsOf(best), vectorsOf(averaged)];
  const data = concatenated(parts.flat());
  const digests = (): Promise<readonly string[]> => {
    let offset = 0;
    const slices = parts.map((vectors) => {
      const byteCount = vectors.reduce((sum, vector) => sum + vector.byteLength, 0);
      return data.subarray(offset, (offset += byteCount));
    });
    return Promise.all(slices.map(sha256));
  };
  return {
    step: progress.step,
    encode: async () => {
      const [weightsSha256, velocitySha256, bestWeightsSha256, averagedWeightsSha256] = (await digests()) as [
        string,
        string,
        string,
        string,
      ];
      const metadata: CheckpointMetadata = {
        format: FORMAT,
        weightsSha256,
        velocitySha256,
        ...(best && { bestWeightsSha256 }),
        ...(averaged && { averagedWeightsSha256 }),
        network: description,
        recipe,
        progress,
        normalisation,
        ...(samples === undefined ? {} : { samples }),
      };
      return [headerOf(metadata, layout, { best, averaged }), data];
    },
  };
}

/** @returns the whole file */
export async function encodeCheckpoint(
  checkpoint: Checkpoint,
  model: Pick<Model, 'layout' | 'description'>,
): Promise<Buffer> {
  return Buffer.concat(await takeSnapshot(checkpoint, model).encode());
}

function vectorsOf(state: ModelState | undefined): readonly Float32Array[] {
  return state ? [state.parameters, state.statistics] : [];
}

function concatenated(vectors: readonly Float32Array[]): Uint8Array {
  const byteCount = vectors.reduce((sum, vector) => sum + vector.byteLength, 0);
  const bytes = new Uint8Array(byteCount);
  let offset = 0;
  for (const vector of vectors) {
    bytes.set(littleEndianBytes(vector), offset);
    offset += vector.byteLength;
  }
  return bytes;
}

/** The layout lists its tensors in the order of the vectors, without gaps. */
function headerOf(
  metadata: CheckpointMetadata,
  layout: Layout,
  { best, averaged }: Pick<Checkpoint, 'best' | 'averaged'>,
): Buffer {
  const named = (
    specs: readonly TensorSpec[],
    prefix = '',
  ): { readonly name: string; readonly shape: readonly number[] }[] =>
    specs.map(({ name, shape }) => ({ name: prefix + name, shape }));
  const namedState = (prefix?: string): ReturnType<typeof named> => [
    ...named(layout.parameters, prefix),
    ...named(layout.statistics, prefix),
  ];
  const text = JSON.stringify(metadata);
  return encodeSafetensorsHeader(
    { [METADATA]: text, [METADATA_DIGEST]: createHash('sha256').update(text).digest('hex') },
    [
      ...namedState(),
      ...named(layout.parameters, MOMENTUM_PREFIX),
      ...(best ? namedState(BEST_PREFIX) : []),
      ...(averaged ? namedState(AVERAGED_PREFIX) : []),
    ],
  );
}

/** Runs on a thread of Node's pool, unlike createHash. */
async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
