import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitTrainingSet } from '../../src/data/index.js';

const sorted = (...parts: Uint32Array[]): number[] =>
  parts.flatMap((part) => [...part]).sort((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('splitTrainingSet', () => {
  it('puts every sample into exactly one part, of the sizes asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.nat({ max: 1000 }),
        fc.boolean(),
        (sampleCount, size, seed, isStratified) => {
          const validationSize = size % sampleCount;
          const stratifiedLabels = Uint8Array.from(
            { length: sampleCount },
            (_, index) => (index * index) % 10,
          );
          const split = splitTrainingSet({
            sampleCount,
            validationSize,
            seed,
            ...(isStratified ? { stratifiedLabels } : {}),
          });
          expect(split.validation.length).toBe(validationSize);
          expect(sorted(split.training, split.validation)).toEqual(upTo(sampleCount));
        },
      ),
    );
  });

  it('is the same for the same seed and another for another', () => {
    const options = { sampleCount: 1000, validationSize: 100, seed: 1 };
    expect(splitTrainingSet(options)).toEqual(splitTrainingSet(options));
    expect(splitTrainingSet({ ...options, seed: 2 }).validation).not.toEqual(
      splitTrainingSet(options).validation,
    );
  });

  it('keeps the proportion of the classes when stratified, and only then exactly', () => {
    const stratifiedLabels = Uint8Array.from({ length: 1000 }, (_, index) =>
      index < 700 ? 0 : index < 990 ? 1 : 2,
    );
    const options = { sampleCount: 1000, validationSize: 100, seed: 5 };
    const counts = (indices: Uint32Array): number[] =>
      [0, 1, 2].map((label) => [...indices].filter((index) => stratifiedLabels[index] === label).length);
    expect(counts(splitTrainingSet({ ...options, stratifiedLabels }).validation)).toEqual([70, 29, 1]);
    const plain = [1, 2, 3, 4].map((seed) => counts(splitTrainingSet({ ...options, seed }).validation));
    expect(new Set(plain.map(String)).size).toBeGreaterThan(1);
  });

  it('limits the training part only, to the beginning of its random order', () => {
    const whole = splitTrainingSet({ sampleCount: 1000, validationSize: 100, seed: 1 });
    const part = splitTrainingSet({ sampleCount: 1000, validationSize: 100, seed: 1, trainLimit: 50 });
    expect(part.training).toEqual(whole.training.slice(0, 50));
    expect(part.validation).toEqual(whole.validation);
  });

  it.each([
    [{ validationSize: 1000 }, /^valSize 1000 must be an integer from 0 to 999.*use valSize 100$/],
    [{ validationSize: -1 }, /valSize -1 must be/],
    [{ validationSize: 1.5 }, /valSize 1.5 must be/],
    [
      { trainLimit: 901 },
      /^trainLimit 901 must be an integer from 1 to 900.*valSize 100; use trainLimit 900, or leave trainLimit out$/,
    ],
    [{ trainLimit: 0 }, /trainLimit 0 must be/],
    [{ trainLimit: NaN }, /trainLimit NaN must be/],
  ])('refuses %o', (change, message) => {
    const options = { sampleCount: 1000, validationSize: 100, seed: 1, ...change };
    expect(() => splitTrainingSet(options)).toThrow(message);
  });
});
