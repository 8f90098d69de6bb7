/**
 * The network's training loss ends at or below that of a linear map. A network with ReLUs can be every linear map of its
 * inputs, for W x = relu(W x) - relu(-W x): so the least loss over networks is at most the least over linear maps. A
 * training that ends above it has not been one. The means of a grid's cells are linear in the pixels: a linear map of them is one of the image.
 */

import { lossText, trainingBelow } from '../capacity/shortTraining.js';
import { TRAINING_NEEDS } from '../capacity/overfit.js';
import { cellMeans, gridFor } from '../data/features.js';
import { fitLinear, linearLoss } from '../data/leastSquares.js';
import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';

const SAMPLES_PER_FEATURE = 5;
/** Fewer than a micro-batch: a linear map has nearly as many numbers as there are images, and leaves next to no loss. */
const FEWEST_IMAGES = 32;
/** Whatever the linear map reaches: nearer to nothing a training has no more to learn. */
const NEAR_ZERO = 0.05;

export const linear: Check = {
  name: 'linear',
  group: 'baselines',
  about: 'a short training ends at or below the loss of the least-squares solution',
  needs: [...TRAINING_NEEDS, 'prior'],
  run: async (bench) => {
    const { set } = bench.subject.data;
    const samples = bench.fixedSamples();
    if (samples.length < FEWEST_IMAGES) {
      return {
        leftOut: `${count(samples.length, 'image')} ${samples.length === 1 ? 'is' : 'are'} too few for a linear map`,
      };
    }
    const grid = gridFor(set.imageShape, samples.length, SAMPLES_PER_FEATURE);
    const model = fitLinear(set, {
      samples,
      labelOf: (sample) => set.labelOf(sample),
      features: cellMeans(set.imageShape, grid),
    });
    const { loss } = linearLoss(set, model, samples);
    const bound = Math.max(loss, NEAR_ZERO);
    const trained = await trainingBelow(bench, bound);
    const expected = `at most ${bound.toFixed(3)}, ${bound > loss ? 'next to no loss, as that of ' : ''}a linear map by least squares of the same images in ${grid}x${grid} cells`;
    const seen = `${lossText(trained.loss)} after ${trained.steps} steps`;
    if (trained.loss <= bound) return passed(expected, seen);
    return found('fail', {
      expected,
      seen,
      advice:
        'a network can be every linear map: its training stops short of it, so look at the rate and the first weights',
    });
  },
};
