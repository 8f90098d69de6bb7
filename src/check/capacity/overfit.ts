/** A network that cannot learn a few images by heart learns nothing else. */

import { percent } from '../data/labels.js';
import { found, passed } from '../finding.js';
import type { Check, Observation } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { fit, fittedMicroBatch, isKnownByHeart, NEAR_ZERO } from './fit.js';
import type { Fit } from './fit.js';
import { lossText } from './shortTraining.js';

/** What makes every short training fail. */
export const TRAINING_NEEDS = ['reference', 'slope', 'activations', 'gradients'] as const;

export const twoImages: Check = {
  name: 'two-images',
  group: 'capacity',
  about: 'two images of two classes are learned by heart',
  needs: TRAINING_NEEDS,
  run: async (bench) => {
    const pair = pairOf(bench);
    if (!pair) return { leftOut: 'the first images are all of one class' };
    return observe(await fit(bench, bench.batchOf(pair)), 2);
  },
};

export const microBatch: Check = {
  name: 'micro-batch',
  group: 'capacity',
  about: 'one micro-batch is learned by heart',
  needs: [...TRAINING_NEEDS, 'two-images'],
  run: async (bench) => observe(await fittedMicroBatch(bench), bench.fixedBatches()[0]!.length),
};

function pairOf(bench: Workbench): readonly [number, number] | undefined {
  const samples = bench.fixedSamples();
  const { set } = bench.subject.data;
  const [first] = samples;
  const second = samples.find((sample) => set.labelOf(sample) !== set.labelOf(first!));
  return second === undefined ? undefined : [first!, second];
}

function observe(fitted: Fit, images: number): Observation {
  const expected = `a loss below ${NEAR_ZERO} on ${images} images, and predictions that are the labels`;
  const { loss, accuracy, steps, lr } = fitted;
  const seen = `${lossText(loss)} after ${steps} steps at rate ${lr}, ${percent(accuracy)} right`;
  if (isKnownByHeart(fitted)) return passed(expected, seen);
  return found('fail', {
    expected,
    seen,
    advice:
      'it cannot learn anything larger: look at the network, its first weights, and how labels are compared',
  });
}
