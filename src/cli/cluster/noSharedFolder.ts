/** A job whose processes could not know each other's secret. */

import type { LockstepError } from '../../foundation/errors.js';
import { launchError } from './variables.js';

export function noSharedFolder(): LockstepError {
  return launchError(
    'the ranks share no secret: the job has no id, so there is no run folder that all of them know',
    'give all the same --run-dir, on a file system that they share, or a secret with LOCKSTEP_TOKEN or --token-file',
  );
}
