import { describe, expect, it } from 'vitest';
import {
  calibrationOf,
  classesOf,
  confusionOf,
  judgeImages,
  worstOf,
} from '../../../src/session/evaluation/analyse.js';

/*
 * Six images of three classes. Counts, recall and precision are counted by hand; probabilities and losses are those of the
 * host's Math.exp; the calibration error follows the formula of arXiv:1706.04599, by hand.
 */
const LABELS = [0, 0, 1, 1, 1, 2];
const LOGITS = Float32Array.from(
  [
    [2, 0, 0],
    [0, 1, 0],
    [0, 3, 0],
    [0, 0.5, 0.25],
    [4, 0, 0],
    [1, 1, 0],
  ].flat(),
);
const images = judgeImages(LOGITS, 3, (index) => LABELS[index]!);
const softmax = (row: readonly number[], of: number): number =>
  Math.exp(row[of]!) / row.reduce((sum, logit) => sum + Math.exp(logit), 0);

describe('the judgement of each image', () => {
  it('is the most probable class, the first of equal ones, with its probability and the loss', () => {
    expect(images.map(({ predicted }) => predicted)).toEqual([0, 1, 1, 1, 0, 0]);
    expect(images[3]!.confidence).toBeCloseTo(softmax([0, 0.5, 0.25], 1), 14);
    expect(images[4]!.labelProbability).toBeCloseTo(softmax([4, 0, 0], 1), 14);
    expect(images[4]!.loss).toBeCloseTo(-Math.log(softmax([4, 0, 0], 1)), 13);
    expect(images[5]!.loss).toBeCloseTo(-Math.log(softmax([1, 1, 0], 2)), 13);
  });

  it('has no negative loss for an answer that is certain', () => {
    const [image] = judgeImages(Float32Array.of(700, 0), 2, () => 0);
    expect(image).toMatchObject({ loss: 0, confidence: 1, labelProbability: 1 });
  });
});

describe('accuracy by class', () => {
  const confusion = confusionOf(images, 3);

  it('counts what is taken for what', () => {
    expect(confusion).toEqual([
      [1, 1, 0],
      [1, 2, 0],
      [1, 0, 0],
    ]);
  });

  it('is recall and precision, and neither where there is nothing to divide by', () => {
    expect(classesOf(confusion, ['a', 'b', 'c'])).toEqual([
      { name: 'a', samples: 2, correct: 1, recall: 1 / 2, precision: 1 / 3 },
      { name: 'b', samples: 3, correct: 2, recall: 2 / 3, precision: 2 / 3 },
      { name: 'c', samples: 1, correct: 0, recall: 0, precision: null },
    ]);
    expect(classesOf([[0]], ['none'])[0]).toMatchObject({ recall: null, precision: null });
  });
});

describe('calibration', () => {
  it('is the distance of confidence and accuracy, by bins of confidence', () => {
    const judged = [
      [0.95, true],
      [0.97, false],
      [0.5, true],
      [0.51, false],
      [1 / 15, false],
    ] as const;
    const { expectedError, meanConfidence, bins } = calibrationOf(
      judged.map(([confidence, isRight], index) => ({
        ...{ index, label: 0, predicted: isRight ? 0 : 1 },
        ...{ confidence, labelProbability: 0, loss: 1 },
      })),
    );
    // Bins (14/15, 1]: 0.96 against 1/2; (7/15, 8/15]: 0.505 against 1/2; (0, 1/15]: 1/15 against 0.
    expect(expectedError).toBeCloseTo((2 * 0.46 + 2 * 0.005 + 1 / 15) / 5, 12);
    expect(meanConfidence).toBeCloseTo((0.95 + 0.97 + 0.5 + 0.51 + 1 / 15) / 5, 12);
    expect(bins).toHaveLength(15);
    expect(bins.map(({ samples }) => samples)).toEqual([1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2]);
    expect(bins[7]).toMatchObject({ from: 7 / 15, to: 8 / 15, accuracy: 0.5 });
    expect(bins[1]).toMatchObject({ meanConfidence: null, accuracy: null });
  });

  it('keeps to shares where rounding would leave them', () => {
    const certain = judgeImages(
      new Float32Array(6000).fill(0).map((_, at) => (at % 2 === 0 ? 40 : 0)),
      2,
      () => 0,
    );
    const { meanConfidence, bins } = calibrationOf(certain);
    expect(meanConfidence).toBeLessThanOrEqual(1);
    expect(bins.at(-1)!.meanConfidence).toBeLessThanOrEqual(1);
  });
});

describe('the worst images', () => {
  it('are those of the highest loss, the first of equal ones first', () => {
    const order = worstOf(images, 3).map(({ index }) => index);
    expect(order).toEqual([4, 5, 1]);
    const equal = judgeImages(new Float32Array(8), 2, () => 0);
    expect(worstOf(equal, 2).map(({ index }) => index)).toEqual([0, 1]);
    expect(worstOf(images, 100)).toHaveLength(6);
  });
});
