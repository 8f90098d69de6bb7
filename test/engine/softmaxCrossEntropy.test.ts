import { describe, expect, it } from 'vitest';
import { exponentialOfNonPositive, softmaxCrossEntropy } from '../../src/engine/softmaxCrossEntropy.js';
import { hashedValues } from '../support/numbers.js';

describe('exponentialOfNonPositive', () => {
  it('agrees with the host within a few units in the last place', () => {
    for (let index = 0; index < 4000; index++) {
      for (const x of [-index / 5.7, -index / 4000, -index * 1e-9]) {
        const expected = Math.exp(x);
        expect(Math.abs(exponentialOfNonPositive(x) - expected)).toBeLessThanOrEqual(
          8e-16 * expected + 1e-307,
        );
      }
    }
  });

  it('has the right limits', () => {
    expect(exponentialOfNonPositive(0)).toBe(1);
    expect(exponentialOfNonPositive(-1e4)).toBe(0);
    expect(exponentialOfNonPositive(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(exponentialOfNonPositive(Number.NaN)).toBeNaN();
  });
});

describe('softmaxCrossEntropy', () => {
  it('agrees with the textbook formula', () => {
    const logits = hashedValues(40, 1, 8);
    const labels = Uint8Array.of(1, 9, 0, 5);
    const head = softmaxCrossEntropy(logits, { labels }, 10);
    let expectedLoss = 0;
    labels.forEach((label, sample) => {
      const row = [...logits.subarray(sample * 10, sample * 10 + 10)];
      const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
      expectedLoss -= Math.log(Math.exp(row[label]!) / total);
      row.forEach((logit, index) => {
        const expected = Math.exp(logit) / total - (index === label ? 1 : 0);
        expect(head.logitGradient[sample * 10 + index]).toBeCloseTo(expected, 6);
      });
    });
    expect(head.lossSum).toBeCloseTo(expectedLoss, 12);
  });

  // torch.nn.functional.cross_entropy(logits, labels, reduction='sum', label_smoothing=…) in float64, torch 2.13.
  it.each([
    {
      labelSmoothing: 0.1,
      lossSum: 2.676821557477361,
      logitGradient: [
        [-0.7548912732329303, 0.00456046426564799, 0.7373744215211006, 0.012956387446181751],
        [-0.0016113421250755558, 0.25993218331022677, 0.1969054074842497, -0.45522624866940103],
      ],
    },
    {
      labelSmoothing: 0.3,
      lossSum: 2.976821557477361,
      logitGradient: [
        [-0.6048912732329302, -0.04543953573435201, 0.6873744215211004, -0.03704361255381825],
        [-0.05161134212507555, 0.20993218331022676, 0.14690540748424968, -0.30522624866940096],
      ],
    },
  ])('agrees with PyTorch for smoothing $labelSmoothing', ({ labelSmoothing, ...expected }) => {
    const logits = Float32Array.of(1.5, -0.25, 3, 0, -2, 0.5, 0.25, 1);
    const head = softmaxCrossEntropy(logits, { labels: Uint8Array.of(0, 3), labelSmoothing }, 4);
    expect(head.lossSum).toBeCloseTo(expected.lossSum, 12);
    expect(head.correct).toBe(1);
    expect(head.logitGradient).toEqual(Float32Array.from(expected.logitGradient.flat()));
  });

  it('stays finite for logits that overflow exp, and takes the first of equal maxima', () => {
    const logits = Float32Array.of(3e38, -3e38, 1000, 1000);
    const head = softmaxCrossEntropy(logits, { labels: Uint8Array.of(0, 1) }, 2);
    expect(head.lossSum).toBeCloseTo(Math.LN2, 12);
    expect(head.correct).toBe(1);
    expect([...head.logitGradient]).toEqual([0, 0, 0.5, -0.5]);
  });

  it('lets NaN through, for the coordinator to stop the run', () => {
    expect(
      softmaxCrossEntropy(Float32Array.of(Number.NaN, 1), { labels: Uint8Array.of(1) }, 2).lossSum,
    ).toBeNaN();
    expect(
      softmaxCrossEntropy(Float32Array.of(1, Number.NaN), { labels: Uint8Array.of(0) }, 2).lossSum,
    ).toBeNaN();
  });
});
