/** What every source of labelled images looks like to the rest of Lockstep. */

import { LockstepError } from '../foundation/errors.js';

export const IMAGE_SIDE = 32;
export const IMAGE_CHANNELS = 3;
/** Bytes of one image: 32 * 32 * 3. */
export const IMAGE_BYTE_COUNT = IMAGE_SIDE * IMAGE_SIDE * IMAGE_CHANNELS;
export const CLASS_COUNT = 10;

/** The data sets that Lockstep brings itself; a program may bring others. */
export type DatasetName = 'cifar10' | 'synthetic';

/** A fixed list of labelled images. Index and content belong together for ever: plans name samples by index. */
export interface ImageSet {
  /** For recipes, messages and results; a word such as `cifar10`. */
  readonly name: string;
  readonly sampleCount: number;
  /** CLASS_COUNT names, by label. */
  readonly classNames: readonly string[];
  /** The label, 0 … 9, without touching the pixels. */
  labelOf(index: number): number;
  /**
   * Writes the raw pixels (32, 32, 3), uint8, in HWC order to `target` from `targetOffset` on.
   * @returns the label
   */
  read(index: number, target: Uint8Array, targetOffset: number): number;
}

/** Raw samples as they travel to a worker. */
export interface RawSamples {
  readonly pixels: Uint8Array; // (B, 32, 32, 3)
  readonly labels: Uint8Array; // (B)
}

/** Copies the samples with the given indices, in their order, into fresh arrays that belong to the caller. */
export function gatherSamples(set: ImageSet, indices: ArrayLike<number>): RawSamples {
  const pixels = new Uint8Array(indices.length * IMAGE_BYTE_COUNT);
  const labels = new Uint8Array(indices.length);
  for (let position = 0; position < indices.length; position++) {
    labels[position] = set.read(indices[position]!, pixels, position * IMAGE_BYTE_COUNT);
  }
  return { pixels, labels };
}

/** Every label of a set, in index order. */
export function labelsOf(set: ImageSet): Uint8Array {
  return Uint8Array.from({ length: set.sampleCount }, (_, index) => set.labelOf(index));
}

/** Throws `E_INTERNAL` for an index outside the set: without it a bad plan would train on zeros. */
export function checkSampleIndex(index: number, sampleCount: number): void {
  if (Number.isInteger(index) && index >= 0 && index < sampleCount) return;
  throw new LockstepError(
    'E_INTERNAL',
    `internal error: sample ${index} is not in 0 … ${sampleCount - 1}; please report it`,
  );
}
