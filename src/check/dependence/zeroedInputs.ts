/** With black images in place of the real ones the network learns less: so it does look at the images. */

import { countLabels } from '../../data/index.js';
import { TRAINING_NEEDS } from '../capacity/overfit.js';
import { fit, fittedMicroBatch, isKnownByHeart } from '../capacity/fit.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { entropyOf } from '../data/labelCounts.js';

/** The images must halve what no look at them can avoid. */
const SHARE = 0.5;

export const zeroedInputs: Check = {
  name: 'zeroed-inputs',
  group: 'dependence',
  about: 'a training on zeros ends at a higher loss than one on the images',
  needs: TRAINING_NEEDS,
  run: async (bench) => {
    const real = await fittedMicroBatch(bench);
    if (!isKnownByHeart(real)) return { leftOut: 'the images themselves are not learned: see micro-batch' };
    const batch = bench.batchOf(bench.fixedBatches()[0]!);
    if (new Set(batch.labels).size === 1) return { leftOut: 'the first images are all of one class' };
    const zeros = { ...batch, images: new Float32Array(batch.images.length) };
    const without = await fit(bench, zeros, { rates: [real.lr], mostSteps: real.steps });
    const counts = countLabels(batch.labels, bench.subject.model.classCount);
    const least = entropyOf(counts);
    const expected = `with zeros for images a loss of at least ${least.toFixed(2)}, the entropy of the labels`;
    // Batch normalisation with next to no epsilon divides zeros by zero: it learns nothing of them, either.
    const isFinite = Number.isFinite(without.loss);
    const seen = `${isFinite ? without.loss.toFixed(2) : 'nothing finite'} with zeros, ${real.loss.toFixed(2)} with the images`;
    if (!isFinite || (without.loss >= SHARE * least && real.loss < SHARE * without.loss))
      return passed(expected, seen);
    return found('fail', {
      expected,
      seen,
      advice: 'it learns without looking: look for labels that reach the inputs, or images that do not',
    });
  },
};
