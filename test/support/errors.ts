/** Errors that a call throws. */

import { expect } from 'vitest';
import { LockstepError } from '../../src/foundation/errors.js';
import type { ErrorCode } from '../../src/foundation/errors.js';

/** Runs the action, which must throw a LockstepError with this code. @returns the error */
export function thrownBy(code: ErrorCode, action: () => unknown): LockstepError {
  try {
    action();
  } catch (error) {
    return checked(code, error);
  }
  throw new Error(`nothing was thrown where ${code} was expected`);
}

/** The same for a promise. */
export async function rejectionOf(code: ErrorCode, promise: Promise<unknown>): Promise<LockstepError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (!outcome) throw new Error(`nothing was rejected where ${code} was expected`);
  return checked(code, outcome.error);
}

function checked(code: ErrorCode, error: unknown): LockstepError {
  if (!(error instanceof LockstepError)) throw error;
  expect(error.code).toBe(code);
  return error;
}
