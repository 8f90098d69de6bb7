/** The error of a run that has diverged. Resuming does not help: the same steps give the same numbers. */

import { OptionError } from '../../foundation/options/optionError.js';
import type { Remedy } from '../../foundation/options/optionError.js';
import type { Recipe } from '../run/recipe.js';

/** @param what which value is not finite, such as `the loss of step 7` */
export function divergedError(
  what: string,
  { lr, warmupEpochs, schedule, shiftLrFactor, optimizer, muonLr }: Recipe,
): OptionError {
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
  const lowerFactor: Remedy = {
    kind: 'advice',
    sentence: ['with a lower ', { option: 'shiftLrFactor' }, ` (it is ${shiftLrFactor})`],
  };
  const lowerMuonRate: Remedy = {
    kind: 'advice',
    sentence: ['with a lower ', { option: 'muonLr' }, ` (it is ${muonLr})`],
  };
  return new OptionError(
    [`${what} is not finite: training has diverged, and a resumed run would do so again`],
    [
      lowerRate,
      ...(optimizer === 'muon' ? [lowerMuonRate] : []),
      ...(shiftLrFactor > 1 ? [lowerFactor] : []),
      ...(schedule === 'onecycle' ? [] : [warmup]),
    ],
    'E_DIVERGED',
  );
}
