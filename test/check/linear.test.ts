/**
 * The course's problem 1: the least loss over ReLU networks is at most the least over linear maps. The proof's construction,
 * W x = relu(W x) - relu(-W x), is put into a network's weights, which then is the least-squares solution.
 */

import { describe, expect, it } from 'vitest';
import { cellMeans } from '../../src/check/data/features.js';
import { fitLinear, linearLoss, linearOutputs } from '../../src/check/data/leastSquares.js';
import { Workbench } from '../../src/check/workbench.js';
import { networkFrom } from '../../src/model/index.js';
import type { ImageSet } from '../../src/data/index.js';
import type { Model } from '../../src/model/index.js';
import type { Subject } from '../../src/check/index.js';
import { checkedSubject } from '../support/checkedSubject.js';

const subject = await checkedSubject();
const { set, split } = subject.data;
const samples = split.training.subarray(0, 200);
const GRID = 2;

/** Means of 16x16 pixels, then a layer that has every row of W twice, once with the other sign. */
function networkThatIsLinear(weights: Float64Array, { set, normalisation }: Subject['data']): Model {
  const classCount = set.classNames.length;
  const { channels } = set.imageShape;
  const features = GRID * GRID * channels;
  // What the network gets is standardised, and W is for values from 0 to 1.
  const deviation = (feature: number): number => normalisation.standardDeviation[feature % channels]!;
  const at = (feature: number, label: number): number => weights[feature * classCount + label]!;
  const units = 2 * classCount;
  const sign = (unit: number): number => (unit < classCount ? 1 : -1);
  const hidden = Array.from({ length: features * units }, (_, index) => {
    const [feature, unit] = [Math.floor(index / units), index % units];
    return sign(unit) * at(feature, unit % classCount) * deviation(feature);
  });
  const bias = Array.from({ length: units }, (_, unit) => {
    const label = unit % classCount;
    let sum = at(features, label);
    for (let feature = 0; feature < features; feature++) {
      sum += at(feature, label) * normalisation.mean[feature % channels]!;
    }
    return sign(unit) * sum;
  });
  const difference = Array.from({ length: units * classCount }, (_, index) => {
    const [unit, label] = [Math.floor(index / classCount), index % classCount];
    return unit % classCount === label ? sign(unit) : 0;
  });
  const layers = [
    { kind: 'average-pool', name: 'small', size: 8, stride: 8 },
    { kind: 'average-pool', name: 'cells', size: 2, stride: 2 },
    {
      kind: 'convolution',
      name: 'both',
      channels: units,
      kernelSize: 2,
      padding: 'valid',
      bias: true,
      initial: { weight: { kind: 'values', values: hidden }, bias: { kind: 'values', values: bias } },
    },
    { kind: 'relu', name: 'relu' },
    { kind: 'global-average-pool', name: 'vector' },
    {
      kind: 'dense',
      name: 'difference',
      channels: classCount,
      bias: false,
      initial: { weight: { kind: 'values', values: difference } },
    },
  ];
  return networkFrom(
    { name: 'linear', inputShape: set.imageShape, classNames: set.classNames, layers },
    'linear',
  );
}

function fitted(data: ImageSet) {
  return fitLinear(data, {
    samples,
    labelOf: (sample) => data.labelOf(sample),
    features: cellMeans(data.imageShape, GRID),
  });
}

describe('a ReLU network', () => {
  it('can be the linear map of least squares: its logits and its loss are those of the map', async () => {
    const linear = fitted(set);
    const { loss, scale } = linearLoss(set, linear, samples);
    const model = networkThatIsLinear(
      linear.weights.map((weight) => scale * weight),
      subject.data,
    );
    const bench = new Workbench({ ...subject, model }, new AbortController().signal);
    try {
      const engine = await bench.engineFor();
      const state = bench.versioned(bench.freshState().model);
      const { logits, lossSum } = await engine.evaluate(state, bench.batchOf(samples), 'running');
      const outputs = linearOutputs(set, linear);
      samples.forEach((sample, place) => {
        [...outputs(sample)].forEach((output, label) => {
          expect(logits[place * model.classCount + label]).toBeCloseTo(scale * output, 3);
        });
      });
      expect(lossSum / samples.length).toBeCloseTo(loss, 4);
    } finally {
      await bench.dispose();
    }
  });
});

describe('fitLinear', () => {
  it('has the smallest sum of squares: every small change makes it larger', () => {
    const linear = fitted(set);
    const squares = (weights: Float64Array): number => {
      const outputs = linearOutputs(set, { ...linear, weights });
      return samples.reduce((sum, sample) => {
        const row = outputs(sample);
        return (
          sum +
          row.reduce(
            (inner, output, label) => inner + (output - (set.labelOf(sample) === label ? 1 : 0)) ** 2,
            0,
          )
        );
      }, 0);
    };
    const least = squares(linear.weights);
    for (const index of [0, 7, 55, linear.weights.length - 1]) {
      for (const change of [-0.05, 0.05]) {
        const moved = linear.weights.slice();
        moved[index]! += change;
        expect(squares(moved)).toBeGreaterThan(least);
      }
    }
  });
});
