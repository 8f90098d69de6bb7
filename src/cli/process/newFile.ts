/** A file that a command writes in the end, under a name that nothing has. */

import { lstatSync } from 'node:fs';
import path from 'node:path';
import { refuseObstacle, takenError } from '../../coordinator/index.js';

/** Before the work that fills it. @throws LockstepError E_IO if the file is there, or cannot be made */
export function refuseUnwritable(file: string): void {
  if (isThere(file)) throw takenError(file);
  refuseObstacle(path.dirname(path.resolve(file)));
}

/** A link to nothing is there, too. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // what is wrong with its folder is found next
  }
}
