/** The end of a run whose numbers are no longer finite. Resuming cannot help: the same steps end in the same numbers. */

import { LockstepError } from '../../foundation/errors.js';
import type { Recipe } from '../run/recipe.js';

/** @param what is not finite, and where, such as `the loss of step 7` */
export function divergedError(what: string, { lr, warmupEpochs, schedule }: Recipe): LockstepError {
  const warmup =
    warmupEpochs > 0 ? ` or more --warmup-epochs (they are ${warmupEpochs})` : ' or --warmup-epochs 1';
  return new LockstepError(
    'E_DIVERGED',
    `${what} is not finite: training has diverged; begin a new run with a lower --lr (it is ${lr})` +
      `${schedule === 'onecycle' ? '' : warmup}, for --resume would keep the rate and diverge again`,
  );
}
