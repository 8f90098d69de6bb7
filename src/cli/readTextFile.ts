/** The small text files that options name: certificates, keys, tokens, settings. */

import { readFileSync } from 'node:fs';
import { describeError, LockstepError } from '../foundation/errors.js';

/**
 * @param flag the option that names the file, for the message
 * @throws LockstepError E_OPTION if it cannot be read
 */
export function readTextFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new LockstepError('E_OPTION', `${flag} ${file} must be a readable file: ${describeError(error)}`);
  }
}
