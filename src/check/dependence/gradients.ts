/** Everything that trains is reached by the loss. */

import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { listed } from '../data/classes.js';
import { trialOf } from './trial.js';

export const gradients: Check = {
  name: 'gradients',
  group: 'dependence',
  about: 'every tensor that is trained gets a gradient and changes',
  needs: ['activations'],
  run: async (bench) => {
    const trained = (await trialOf(bench)).filter(({ spec }) => !spec.frozen);
    const expected = `a gradient for each of ${count(trained.length, 'tensor')}, and each changes`;
    const without = trained.filter(({ hasGradient }) => !hasGradient);
    if (without.length > 0) {
      return found('fail', {
        expected,
        seen: `none for ${listed(without.map(({ spec }) => spec.name))}`,
        advice:
          'the loss does not depend on it: look for an output that no layer reads, or a dead layer after it',
      });
    }
    const still = trained.filter(({ hasChanged }) => !hasChanged);
    if (still.length === 0) return passed(expected, 'all do');
    return found('fail', {
      expected,
      seen: `no change in ${listed(still.map(({ spec }) => spec.name))}`,
      advice: 'its gradient is too small for its weights: look at the rate, and at the sizes of its inputs',
    });
  },
};
