/** Every error that leaves the library is a LockstepError, in the words of a program. */

import type { RunEvent } from '../coordinator/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { inWordsOfPrograms } from './words.js';

export async function asLibraryErrors<Outcome>(body: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await body();
  } catch (error) {
    throw libraryError(error);
  }
}

export function libraryError(error: unknown): LockstepError {
  if (error instanceof LockstepError) {
    const message = inWordsOfPrograms(error.message);
    return message === error.message ? error : new LockstepError(error.code, message, { cause: error });
  }
  const message = `internal error: ${describeError(error)}; please report it`;
  return new LockstepError('E_INTERNAL', message, { cause: error });
}

/** Likewise for what an event tells people. */
export function libraryEvent(event: RunEvent): RunEvent {
  if (event.event === 'notice') return { ...event, message: inWordsOfPrograms(event.message) };
  if ('reason' in event) return { ...event, reason: inWordsOfPrograms(event.reason) };
  return event;
}
