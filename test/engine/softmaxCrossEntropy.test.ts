import { describe, expect, it } from 'vitest';
import { softmaxCrossEntropy } from '../../src/engine/softmaxCrossEntropy.js';
import { exponentialOfNonPositive } from '../../src/foundation/deterministicMath.js';
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

  // share * cross_entropy(logits, labels, …) + (1 - share) * cross_entropy(logits, others, …), as above: the paper's program.
  it.each([
    {
      ...{ share: 0.7, labelSmoothing: 0, correct: 1 },
      lossSum: 3.1268215574773617,
      logitGradient: [
        [-0.5298912732329302, 0.02956046426564799, 0.7623744215211006, -0.2620436125538183],
        [0.023388657874924446, -0.01506781668977325, 0.2219054074842497, -0.23022624866940092],
      ],
    },
    {
      ...{ share: 0.7, labelSmoothing: 0.1, correct: 1 },
      lossSum: 3.2168215574773615,
      logitGradient: [
        [-0.4848912732329303, 0.00456046426564799, 0.7373744215211006, -0.25704361255381836],
        [-0.0016113421250755528, -0.010067816689773273, 0.1969054074842497, -0.1852262486694009],
      ],
    },
    {
      ...{ share: 0.25, labelSmoothing: 0.1, correct: 0 },
      lossSum: 4.026821557477362,
      logitGradient: [
        [-0.07989127323293026, 0.004560464265647992, 0.7373744215211007, -0.6620436125538183],
        [-0.0016113421250755523, -0.4150678166897732, 0.19690540748424973, 0.21977375133059912],
      ],
    },
  ])('agrees with PyTorch for mixed labels, $share and smoothing $labelSmoothing', (expected) => {
    const { share, labelSmoothing } = expected;
    const logits = Float32Array.of(1.5, -0.25, 3, 0, -2, 0.5, 0.25, 1);
    const mixture = { labels: Uint8Array.of(3, 1), share };
    const head = softmaxCrossEntropy(logits, { labels: Uint8Array.of(0, 3), labelSmoothing, mixture }, 4);
    expect(head.lossSum).toBeCloseTo(expected.lossSum, 12);
    expect(head.correct).toBe(expected.correct);
    head.logitGradient.forEach((value, at) => {
      expect(value).toBeCloseTo(expected.logitGradient.flat()[at]!, 7);
    });
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
