/** The network beats the simplest answer: how frequent each class is. */

import { countLabels } from '../../data/index.js';
import { lossText, trainingBelow } from '../capacity/shortTraining.js';
import { TRAINING_NEEDS } from '../capacity/overfit.js';
import { entropyOf } from '../data/labelCounts.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';

export const prior: Check = {
  name: 'prior',
  group: 'baselines',
  about: 'a short training ends below the loss of the class frequencies',
  needs: TRAINING_NEEDS,
  run: async (bench) => {
    const counts = countLabels(bench.fixedLabels(), bench.subject.model.classCount);
    const least = entropyOf(counts);
    if (least === 0) return { leftOut: 'the first images are all of one class' };
    const trained = await trainingBelow(bench, least);
    const images = bench.fixedSamples().length;
    const expected = `below ${least.toFixed(3)}, the loss of the class frequencies of ${images} images`;
    const seen = `${lossText(trained.loss)} after ${trained.steps} steps`;
    if (trained.loss < least) return passed(expected, seen);
    return found('fail', {
      expected,
      seen,
      advice: 'it has learned nothing of the images: look at the network and at its first weights',
    });
  },
};
