/**
 * Encodes checkpoints. Taking a snapshot stops training only to copy the vectors. Hashing, which takes longer, is done
 * afterwards in the background.
 */

import { createHash, webcrypto } from 'node:crypto';
import { littleEndianBytes } from '../../foundation/littleEndian.js';
import type { Layout, Model, ModelState, TensorSpec } from '../../model/index.js';
import type { Checkpoint } from './checkpoint.js';
import { BEST_PREFIX, FORMAT, METADATA, METADATA_DIGEST, MOMENTUM_PREFIX } from './checkpointFormat.js';
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
  const { state, velocity, best, recipe, progress, normalisation, samples } = checkpoint;
  const vectors = [state.parameters, state.statistics, velocity, ...(best ? vectorsOf(best) : [])];
  const data = concatenated(vectors);
  const stateBytes = state.parameters.byteLength + state.statistics.byteLength;
  const momentumEnd = stateBytes + velocity.byteLength;
  return {
    step: progress.step,
    encode: async () => {
      const [weightsSha256, velocitySha256, bestWeightsSha256] = await Promise.all([
        sha256(data.subarray(0, stateBytes)),
        sha256(data.subarray(stateBytes, momentumEnd)),
        best ? sha256(data.subarray(momentumEnd)) : undefined,
      ]);
      const metadata: CheckpointMetadata = {
        format: FORMAT,
        weightsSha256,
        velocitySha256,
        ...(bestWeightsSha256 === undefined ? {} : { bestWeightsSha256 }),
        network: description,
        recipe,
        progress,
        normalisation,
        ...(samples === undefined ? {} : { samples }),
      };
      return [headerOf(metadata, layout, best !== undefined), data];
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

function vectorsOf({ parameters, statistics }: ModelState): readonly Float32Array[] {
  return [parameters, statistics];
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
function headerOf(metadata: CheckpointMetadata, layout: Layout, hasBest: boolean): Buffer {
  const named = (
    specs: readonly TensorSpec[],
    prefix = '',
  ): { readonly name: string; readonly shape: readonly number[] }[] =>
    specs.map(({ name, shape }) => ({ name: prefix + name, shape }));
  const text = JSON.stringify(metadata);
  return encodeSafetensorsHeader(
    { [METADATA]: text, [METADATA_DIGEST]: createHash('sha256').update(text).digest('hex') },
    [
      ...named(layout.parameters),
      ...named(layout.statistics),
      ...named(layout.parameters, MOMENTUM_PREFIX),
      ...(hasBest
        ? [...named(layout.parameters, BEST_PREFIX), ...named(layout.statistics, BEST_PREFIX)]
        : []),
    ],
  );
}

/** Runs on a thread of Node's pool, unlike createHash. */
async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
