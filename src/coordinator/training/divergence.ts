/** The error of a run that has diverged. Resuming does not help: the same steps give the same numbers. */

import { LockstepError } from '../../foundation/errors.js';
import type { Recipe } from '../run/recipe.js';

/** @param what which value is not finite, such as `the loss of step 7` */
export function divergedError(what: string, { lr, warmupEpochs, schedule }: Recipe): LockstepError {
  const warmup =
    warmupEpochs > 0 ? ` or more --warmup-epochs (they are ${warmupEpochs})` : ' or --warmup-epochs 1';
  return new LockstepError(
    'E_DIVERGED',
    `${what} is not finite: training has diverged; begin a new run with a lower --lr (it is ${lr})` +
      `${schedule === 'onecycle' ? '' : warmup}, for --resume would keep the rate and diverge again`,
  );
}
