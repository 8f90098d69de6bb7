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
    if (!NOT_WRITABLE.includes(error.code)) throw error;
    throw new SetupFailure('E_IO', `cannot write ${what} (${error.message}); ${WHERE_ELSE}`);
  }
}

/** What a disk or a path may be the cause of; the last three are of places where nothing can be made. */
const NOT_WRITABLE = ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EEXIST'];

export const WHERE_ELSE = 'free space, or name another folder in LOCKSTEP_TENSORFLOW_DIR';
