/** Failures that a user can act on, with the codes of docs/errors.md; the message names the remedy. */

export class SetupFailure extends Error {
  /** @param {'E_SETUP' | 'E_IO' | 'E_OPTION' | 'E_ENGINE_FAILED'} code */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Runs a step that writes files; a full disk and a missing permission become failures with a remedy. */
export function writing(what, step) {
  try {
    return step();
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    throw new SetupFailure('E_IO', `cannot write ${what} (${error.message}); ${WHERE_ELSE}`);
  }
}

export const WHERE_ELSE = 'free space, or name another folder in LOCKSTEP_TENSORFLOW_DIR';
