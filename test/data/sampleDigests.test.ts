import { describe, expect, it } from 'vitest';
import { differencesOf, digestSamples } from '../../src/data/index.js';
import type { ImageSet, TrainingSplit } from '../../src/data/index.js';
import { tinySet } from '../support/tinySet.js';

const SPLIT: TrainingSplit = { training: Uint32Array.of(5, 0, 99, 7), validation: Uint32Array.of(3, 8) };
const SET = tinySet(100);

/** The set with one sample changed. */
function changed(index: number, what: 'pixel' | 'label'): ImageSet {
  const labelOf = (of: number): number =>
    of === index && what === 'label' ? 9 - SET.labelOf(of) : SET.labelOf(of);
  return {
    ...SET,
    labelOf,
    read: (of, target, targetOffset) => {
      SET.read(of, target, targetOffset);
      if (of === index && what === 'pixel') target[targetOffset + 3071]! ^= 1;
      return labelOf(of);
    },
  };
}

const differences = (set: ImageSet, split = SPLIT): readonly string[] =>
  differencesOf(digestSamples(SET, SPLIT), digestSamples(set, split));

describe('the digests of a split', () => {
  it('are equal for equal samples', () => {
    expect(differences(tinySet(100))).toEqual([]);
  });

  it.each([
    [99, 'pixel', ['training images']],
    [99, 'label', ['training labels']],
    [8, 'pixel', ['validation images']],
    [8, 'label', ['validation labels']],
    [1, 'pixel', []], // in neither part
  ] as const)('change with sample %i, its %s', (index, what, expected) => {
    expect(differences(changed(index, what))).toEqual(expected);
  });

  it('change with the order and the number of the samples', () => {
    const reversed = { ...SPLIT, training: SPLIT.training.toReversed() };
    expect(differences(SET, reversed)).toEqual(['training images', 'training labels']);
    expect(differences(SET, { ...SPLIT, validation: SPLIT.validation.subarray(1) })).toEqual([
      'validation images',
      'validation labels',
    ]);
  });

  it('cover more samples than are read at a time', () => {
    const all = {
      training: Uint32Array.from({ length: 100 }, (_, index) => index),
      validation: SPLIT.validation,
    };
    expect(differencesOf(digestSamples(SET, all), digestSamples(changed(98, 'label'), all))).toEqual([
      'training labels',
    ]);
  });
});
