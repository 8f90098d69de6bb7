import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { gatherSamples, labelsOf, syntheticTestSet, syntheticTrainingSet } from '../../src/data/index.js';
import { trainSoftmaxRegression } from './softmaxRegression.js';

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

describe('the synthetic set', () => {
  it('has 50,000 training and 10,000 test samples, each class equally often', () => {
    for (const [set, count] of [
      [syntheticTrainingSet(), 50_000],
      [syntheticTestSet(), 10_000],
    ] as const) {
      const counts = new Array<number>(10).fill(0);
      for (const label of labelsOf(set)) counts[label]!++;
      expect(counts).toEqual(new Array<number>(10).fill(count / 10));
      expect(set.classNames.length).toBe(10);
    }
  });

  it('draws a sample as a pure function of its part and index', () => {
    const forward = gatherSamples(syntheticTrainingSet(), range(0, 20));
    const backward = gatherSamples(syntheticTrainingSet(), range(0, 20).reverse());
    for (const index of range(0, 20)) {
      const image = forward.pixels.subarray(index * 3072, (index + 1) * 3072);
      expect(backward.pixels.subarray((19 - index) * 3072, (20 - index) * 3072)).toEqual(image);
    }
    const set = syntheticTrainingSet();
    expect(gatherSamples(set, [7])).toEqual(gatherSamples(set, [7]));
    expect(gatherSamples(syntheticTestSet(), [7]).pixels).not.toEqual(gatherSamples(set, [7]).pixels);
    expect(gatherSamples(syntheticTrainingSet(2), [7]).pixels).not.toEqual(gatherSamples(set, [7]).pixels);
  });

  it('has the same bytes on every machine', () => {
    const { pixels } = gatherSamples(syntheticTrainingSet(), range(0, 1000));
    expect(createHash('sha256').update(pixels).digest('hex')).toBe(
      '68f486c559794ef3da49aab8ecc201a4e23950dcd4f3d4deb782ed8f78e0946f',
    );
  });

  it('says nothing of the class by its mean colour or brightness', () => {
    const count = 5000;
    const { pixels, labels } = gatherSamples(syntheticTrainingSet(), range(0, count));
    const sums = new Float64Array(10);
    for (let index = 0; index < pixels.length; index++)
      sums[labels[Math.floor(index / 3072)]!]! += pixels[index]!;
    const means = [...sums].map((sum) => sum / ((count / 10) * 3072));
    // The brightness of single images varies by about 45; the mean of 500 by 2.
    expect(Math.max(...means) - Math.min(...means)).toBeLessThan(12);
  });

  it('is out of reach for a linear model of the pixels', () => {
    const training = gatherSamples(syntheticTrainingSet(), range(0, 3000));
    const held = gatherSamples(syntheticTrainingSet(), range(3000, 4000));
    const accuracy = trainSoftmaxRegression(training, held, 4);
    expect(accuracy).toBeLessThan(0.25);
  });

  it('is not out of reach only because the linear model was badly trained', () => {
    const pixels = new Uint8Array(1000 * 3072).fill(100);
    const labels = Uint8Array.from({ length: 1000 }, (_, sample) => sample % 10);
    labels.forEach((label, sample) =>
      pixels.fill(130, sample * 3072 + label * 300, sample * 3072 + label * 300 + 300),
    );
    expect(trainSoftmaxRegression({ pixels, labels }, { pixels, labels }, 1)).toBeGreaterThan(0.95);
  });

  it('refuses an index outside the set', () => {
    expect(() => syntheticTestSet().labelOf(10_000)).toThrow(/sample 10000 is not in 0 … 9999/);
  });
});
