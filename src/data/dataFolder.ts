/** What is wrong with the place of a data set before anything is looked for in it. */

import { stat } from 'node:fs/promises';
import { LockstepError } from '../foundation/errors.js';

/** @throws LockstepError E_DATA_MISSING if there is a file in place of the folder */
export async function refuseFile(dataDir: string): Promise<void> {
  const found = await stat(dataDir).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new LockstepError(
    'E_DATA_MISSING',
    `${dataDir} is a file, and data sets are folders of files; name the folder that it lies in`,
  );
}
