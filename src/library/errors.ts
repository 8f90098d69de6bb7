/** Every error that leaves the library is a LockstepError, in the words of a program. */

import { describeError, LockstepError } from '../foundation/errors.js';
import { OptionError, wordsOf } from '../foundation/options/optionError.js';
import { IN_PROGRAM } from './words.js';

export async function asLibraryErrors<Outcome>(body: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await body();
  } catch (error) {
    throw libraryError(error);
  }
}

export function libraryError(error: unknown): LockstepError {
  if (error instanceof OptionError) {
    return new LockstepError(error.code, wordsOf(error, IN_PROGRAM), { cause: error });
  }
  if (error instanceof LockstepError) return error;
  const message = `internal error: ${describeError(error)}; please report it`;
  return new LockstepError('E_INTERNAL', message, { cause: error });
}
