/** Digests of the samples that a run uses, to detect a different data set. */

import { createHash } from 'node:crypto';
import { gatherSamples } from './imageSet.js';
import type { ImageSet } from './imageSet.js';
import type { TrainingSplit } from './split.js';

/** SHA-256 over one part of a split, in the split's order. */
export interface PartDigests {
  /** Of the raw pixels. */
  readonly images: string;
  readonly labels: string;
}

export interface SampleDigests {
  readonly training: PartDigests;
  readonly validation: PartDigests;
}

/** Samples to read at a time: few enough for the processor's cache. */
const BLOCK_SAMPLES = 64;

export function digestSamples(set: ImageSet, { training, validation }: TrainingSplit): SampleDigests {
  return { training: digestPart(set, training), validation: digestPart(set, validation) };
}

function digestPart(set: ImageSet, indices: Uint32Array): PartDigests {
  const images = createHash('sha256');
  const labels = createHash('sha256');
  for (let begin = 0; begin < indices.length; begin += BLOCK_SAMPLES) {
    const samples = gatherSamples(set, indices.subarray(begin, begin + BLOCK_SAMPLES));
    images.update(samples.pixels);
    labels.update(samples.labels);
  }
  return { images: images.digest('hex'), labels: labels.digest('hex') };
}

/** What differs, such as `training labels`; empty if nothing does. */
export function differencesOf(before: SampleDigests, now: SampleDigests): readonly string[] {
  return (['training', 'validation'] as const).flatMap((part) =>
    (['images', 'labels'] as const)
      .filter((what) => before[part][what] !== now[part][what])
      .map((what) => `${part} ${what}`),
  );
}
