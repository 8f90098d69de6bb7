/** What is frozen stays as it is, and is worth keeping. */

import { count } from '../../foundation/count.js';
import type { TensorSpec } from '../../model/index.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { listed } from '../data/classes.js';
import { trialOf } from './trial.js';

export const frozen: Check = {
  name: 'frozen',
  group: 'dependence',
  about: 'frozen tensors do not change by a bit, and none is frozen at random values',
  run: async (bench) => {
    const tensors = (await trialOf(bench)).filter(({ spec }) => spec.frozen);
    const expected = 'frozen tensors that do not change by a bit, and none with random values';
    if (tensors.length === 0) return passed(expected, 'nothing is frozen');
    const changed = tensors.filter(({ hasChanged }) => hasChanged);
    if (changed.length > 0) {
      return found('fail', {
        expected,
        seen: `a change in ${listed(changed.map(({ spec }) => spec.name))}`,
        advice: 'report it with this output: a frozen tensor must be left alone',
      });
    }
    const random = tensors.filter(({ spec }) => isRandom(spec));
    if (random.length === 0) return passed(expected, `${count(tensors.length, 'frozen tensor')}, unchanged`);
    return found('warn', {
      expected,
      seen: `${listed(random.map(({ spec }) => spec.name))} will keep the random values of the seed`,
      advice:
        'train it: take it out of "frozen" in the network; or give it initial values that are worth keeping',
    });
  },
};

/** Biases, scales and shifts start at a constant unless they are given values. */
function isRandom({ name, initial }: TensorSpec): boolean {
  return name.endsWith('.weight') && (initial === undefined || initial.kind === 'kaiming');
}
