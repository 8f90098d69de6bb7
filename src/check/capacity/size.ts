/** A larger network fits better. */

import { halved } from '../networks.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { TRAINING_NEEDS } from './overfit.js';
import { lossText, shortTraining } from './shortTraining.js';

/** Two losses that near zero say nothing of each other, nor do two that differ by less. */
const NEAR_ZERO = 0.05;
const NOISE = 0.05;

export const size: Check = {
  name: 'size',
  group: 'capacity',
  about: 'the network gets a lower training loss than one of half its channels',
  needs: TRAINING_NEEDS,
  run: async (bench) => {
    const half = halved(bench.plainModel);
    if (!half) return { leftOut: 'no network with half the channels can be made of it' };
    const whole = await shortTraining(bench, bench.plainModel);
    const smaller = await shortTraining(bench, half);
    const expected = 'a lower training loss than with half the channels, after as many steps';
    const seen = `${lossText(whole.loss)}, and ${lossText(smaller.loss)} with half the channels`;
    if (whole.loss <= Math.max(smaller.loss + NOISE, NEAR_ZERO)) return passed(expected, seen);
    return found('warn', {
      expected,
      seen,
      advice:
        'its size does not help it: look for a layer that is too narrow, or first weights that are too large',
    });
  },
};
