import { describe, expect, it } from 'vitest';
import { measureNormalisation } from '../../src/data/index.js';
import type { ImageSet } from '../../src/data/index.js';

function setOf(images: readonly Uint8Array[]): ImageSet {
  return {
    name: 'synthetic',
    imageShape: { height: 32, width: 32, channels: 3 },
    classNames: [],
    sampleCount: images.length,
    labelOf: () => 0,
    read: (index, target, offset) => {
      target.set(images[index]!, offset);
      return 0;
    },
  };
}

describe('measureNormalisation', () => {
  const images = Array.from({ length: 5 }, (_, sample) =>
    Uint8Array.from({ length: 3072 }, (_, index) => (sample * 17 + index * index * (1 + (index % 3))) % 256),
  );

  it('is the mean and population deviation of the samples asked for, and of no others', () => {
    const { mean, standardDeviation } = measureNormalisation(setOf(images), Uint32Array.of(4, 1));
    for (let channel = 0; channel < 3; channel++) {
      const values = [4, 1].flatMap((sample) =>
        [...images[sample]!].filter((_, index) => index % 3 === channel).map((byte) => byte / 255),
      );
      const expectedMean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - expectedMean) ** 2, 0) / values.length;
      expect(mean[channel]).toBeCloseTo(expectedMean, 12);
      expect(standardDeviation[channel]).toBeCloseTo(Math.sqrt(variance), 12);
    }
  });

  it('does not depend on the order of the samples, to the last bit', () => {
    const set = setOf(images);
    expect(measureNormalisation(set, Uint32Array.of(0, 1, 2, 3, 4))).toEqual(
      measureNormalisation(set, Uint32Array.of(3, 0, 4, 2, 1)),
    );
  });

  it('refuses a channel without any variation', () => {
    expect(() => measureNormalisation(setOf([new Uint8Array(3072)]), Uint32Array.of(0))).toThrow(
      /channel 0 has one value .* above 0/,
    );
  });
});
