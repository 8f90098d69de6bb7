/** Disk errors that a user can act on. */

import { advice, OptionError } from '../foundation/options/optionError.js';

const ANOTHER_FOLDER = advice('choose another folder with ', { option: 'dir' });

/** A folder that cannot be written to, or a disk that is full. */
export function noRoom(problem: string, options?: ErrorOptions): OptionError {
  return new OptionError([problem], [advice('free space'), ANOTHER_FOLDER], 'E_IO', options);
}

/** @throws OptionError, always */
export function refuseForeign(folder: string): never {
  throw new OptionError(
    [`${folder} holds something else, which would be lost`],
    [advice('empty it'), ANOTHER_FOLDER],
  );
}

/** What a disk or a path may be the cause of; the last three mean that no folder can be made there. */
const NOT_WRITABLE = ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EEXIST'];

/**
 * Runs a step that writes files.
 * @throws LockstepError E_IO for a full disk or a missing permission
 */
export function writing<Result>(what: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!NOT_WRITABLE.includes(code)) throw error;
    throw noRoom(`cannot write ${what} (${message})`, { cause: error });
  }
}

/** Whether a program's output says that the disk is full. */
export function saysDiskFull(output: string): boolean {
  return /ENOSPC|No space left|Disk quota/.test(output);
}
