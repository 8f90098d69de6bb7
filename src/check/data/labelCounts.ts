/** Labels, counted. */

import type { ImageSet } from '../../data/index.js';

export function labelsFor(set: ImageSet, samples: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(samples, (sample) => set.labelOf(sample));
}

/** The lowest mean cross-entropy of an answer that does not look at the images: the entropy of the labels. */
export function entropyOf(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log(count / total)),
    0,
  );
}
