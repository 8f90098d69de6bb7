/** A file that a command writes in the end, under a name that nothing has. */

import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs';
import path from 'node:path';
import { ioError, takenError } from '../../coordinator/index.js';

/** Before the work that fills it. @throws LockstepError E_IO if the file is there, or cannot be made */
export function refuseUnwritable(file: string): void {
  if (isThere(file)) throw takenError(file);
  let folder = path.dirname(file);
  while (!existsSync(folder) && folder !== path.dirname(folder)) folder = path.dirname(folder);
  try {
    if (!statSync(folder).isDirectory())
      throw Object.assign(new Error(`${folder} is a file`), { code: 'ENOTDIR' });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw ioError(file, error);
  }
}

/** A link to nothing is there, too. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // what is wrong with its folder is found next
  }
}
