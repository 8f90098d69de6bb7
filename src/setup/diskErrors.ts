/** Disk errors that a user can act on. */

import { LockstepError } from '../foundation/errors.js';

export const FREE_SPACE = 'free space, or choose another folder with --dir';

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
    throw new LockstepError('E_IO', `cannot write ${what} (${message}); ${FREE_SPACE}`, { cause: error });
  }
}

/** Whether a program's output says that the disk is full. */
export function saysDiskFull(output: string): boolean {
  return /ENOSPC|No space left|Disk quota/.test(output);
}
