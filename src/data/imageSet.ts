/** The interface of every source of labelled images. */

import { LockstepError } from '../foundation/errors.js';

/** The data sets that Lockstep brings; a program may bring others. */
export const DATASET_NAMES = ['cifar10', 'cifar100', 'folder', 'idx', 'synthetic'] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** What a network must know of a data set. */
export interface ImageFormat {
  readonly imageShape: ImageShape;
  /** One a class, by label. */
  readonly classNames: readonly string[];
}

/** A fixed list of labelled images. The image at an index never changes: plans refer to samples by index. */
export interface ImageSet extends ImageFormat {
  /** For recipes, messages and results; a word such as `cifar10`. */
  readonly name: string;
  readonly sampleCount: number;
  /** The label, an index of `classNames`, without touching the pixels. */
  labelOf(index: number): number;
  /**
   * Writes the raw pixels (H, W, C), uint8, to `target` from `targetOffset` on.
   * @returns the label
   */
  read(index: number, target: Uint8Array, targetOffset: number): number;
  /** The file of an image, from the data's folder on, with `/` between folders; only where each image has one. */
  fileOf?(index: number): string | undefined;
}

/** Raw samples, as they are sent to a worker. */
export interface RawSamples {
  readonly pixels: Uint8Array; // (B, H, W, C)
  readonly labels: Uint8Array; // (B)
}

/** Bytes of one image: height * width * channels. */
export function imageByteCount({ height, width, channels }: ImageShape): number {
  return height * width * channels;
}

/** How many there are of each class. */
export function countLabels(labels: Uint8Array, classCount: number): number[] {
  const counts = new Array<number>(classCount).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

/** Copies the samples with the given indices, in that order, into new arrays. */
export function gatherSamples(set: ImageSet, indices: ArrayLike<number>): RawSamples {
  const byteCount = imageByteCount(set.imageShape);
  const pixels = new Uint8Array(indices.length * byteCount);
  const labels = new Uint8Array(indices.length);
  for (let position = 0; position < indices.length; position++) {
    labels[position] = set.read(indices[position]!, pixels, position * byteCount);
  }
  return { pixels, labels };
}

/** Every label of a set, in index order. */
export function labelsOf(set: ImageSet): Uint8Array {
  return Uint8Array.from({ length: set.sampleCount }, (_, index) => set.labelOf(index));
}

/** @throws LockstepError E_INTERNAL for an index outside the set: a wrong plan must not train on zeros */
export function checkSampleIndex(index: number, sampleCount: number): void {
  if (Number.isInteger(index) && index >= 0 && index < sampleCount) return;
  throw new LockstepError(
    'E_INTERNAL',
    `internal error: sample ${index} is not in 0 … ${sampleCount - 1}; please report it`,
  );
}
