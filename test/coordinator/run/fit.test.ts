import { describe, expect, it } from 'vitest';
import { checkRecipeFitsImages, checkRecipeFitsSamples } from '../../../src/coordinator/index.js';
import { stepsPerEpoch } from '../../../src/data/index.js';
import { recipe } from '../../support/recipes.js';

describe('a recipe fits the samples', () => {
  it.each([
    [128, 127, true],
    [128, 128, true],
    [128, 127, false],
  ])('if an epoch has a step: batches of %d of %d samples, drop last %s', (batchSize, samples, dropLast) => {
    const check = (): void => checkRecipeFitsSamples(recipe({ batchSize, dropLast }), samples);
    if (stepsPerEpoch(samples, batchSize, dropLast) > 0) return expect(check).not.toThrow();
    expect(check).toThrow(
      'dropLast true leaves out all 127 training samples: they do not fill one batch of batchSize 128; ' +
        'use dropLast false, or a smaller batchSize',
    );
  });
});

describe('a recipe fits the images', () => {
  const format = { imageShape: { height: 20, width: 12, channels: 1 }, classNames: ['a', 'b'] };

  it('if a cutout is no larger than they are', () => {
    const check = (cutout: number, augment: boolean) => (): void =>
      checkRecipeFitsImages(recipe({ cutout, augment }), format);
    expect(check(12, true)).not.toThrow();
    expect(check(13, false)).not.toThrow();
    expect(check(13, true)).toThrow('cutout 13 must be at most 12, the smaller side of 20x12x1 images');
  });
});
