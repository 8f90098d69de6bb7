/** A checkpoint file that cannot be used, and what to do then: said together only where nothing better is known. */

import { LockstepError } from '../../foundation/errors.js';

const REMEDY = 'use another checkpoint of the run, or an unharmed copy of this one';

export class UnusableCheckpoint extends LockstepError {
  /** @param fault the message without a remedy: the file, and what is wrong with it */
  constructor(
    readonly fault: string,
    remedy = REMEDY,
  ) {
    super('E_CHECKPOINT', `${fault}; ${remedy}`);
    this.name = 'UnusableCheckpoint';
  }
}
