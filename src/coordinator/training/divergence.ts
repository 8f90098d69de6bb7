/** The end of a run whose numbers are no longer finite. Resuming cannot help: the same steps end in the same numbers. */

import { OptionError } from '../../foundation/options/optionError.js';
import type { Remedy } from '../../foundation/options/optionError.js';
import type { Recipe } from '../run/recipe.js';

/** @param what is not finite, and where, such as `the loss of step 7` */
export function divergedError(what: string, { lr, warmupEpochs, schedule }: Recipe): OptionError {
  const lowerRate: Remedy = {
    kind: 'advice',
    sentence: ['begin a new run with a lower ', { option: 'lr' }, ` (it is ${lr})`],
  };
  const warmup: Remedy = {
    kind: 'advice',
    sentence:
      warmupEpochs > 0
        ? ['with more ', { option: 'warmupEpochs' }, ` (they are ${warmupEpochs})`]
        : ['with ', { option: 'warmupEpochs', value: 1 }],
  };
  return new OptionError(
    [`${what} is not finite: training has diverged, and a resumed run would do so again`],
    schedule === 'onecycle' ? [lowerRate] : [lowerRate, warmup],
    'E_DIVERGED',
  );
}
