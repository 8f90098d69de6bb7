/** Folders that are to hold what a command makes, and nothing else. */

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ioError, refuseFilledFolder } from '../coordinator/index.js';
import { makeFolders } from '../data/index.js';
import { LockstepError } from '../foundation/errors.js';

/**
 * @param what is to be kept there: `images are saved`
 * @throws LockstepError E_IO for a folder that holds something: nothing in it must be replaced, or mixed with others
 */
export function refuseFilled(folder: string, what: string): void {
  refuseFilledFolder(folder, `${what} to a new or an empty folder only; choose another`);
}

/** Makes a folder that was not there: of this name, or with a number after it. @throws LockstepError E_IO */
export async function makeNewFolder(name: string): Promise<string> {
  try {
    await makeFolders(path.dirname(name));
    for (let number = 1; ; number++) {
      const folder = number === 1 ? name : `${name}-${number}`;
      if (await wasMade(folder)) return folder;
    }
  } catch (error) {
    throw error instanceof LockstepError ? error : ioError(name, error);
  }
}

async function wasMade(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
