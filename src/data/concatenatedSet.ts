/** Several sets of the same images and classes, one after another. */

import { checkSampleIndex } from './imageSet.js';
import type { ImageSet } from './imageSet.js';

/** @param sets at least one */
export function concatenatedSet(name: string, sets: readonly [ImageSet, ...ImageSet[]]): ImageSet {
  const [{ imageShape, classNames }] = sets;
  const sampleCount = sets.reduce((sum, set) => sum + set.sampleCount, 0);
  const find = (index: number): readonly [ImageSet, number] => {
    checkSampleIndex(index, sampleCount);
    let within = index;
    for (const set of sets) {
      if (within < set.sampleCount) return [set, within];
      within -= set.sampleCount;
    }
    return [sets[0], index]; // not reached: the index was checked
  };
  return {
    name,
    imageShape,
    classNames,
    sampleCount,
    labelOf: (index) => {
      const [set, within] = find(index);
      return set.labelOf(within);
    },
    read: (index, target, targetOffset) => {
      const [set, within] = find(index);
      return set.read(within, target, targetOffset);
    },
  };
}
