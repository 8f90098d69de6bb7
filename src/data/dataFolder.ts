/** For data sets that were not found: whether there is a folder to look in at all. */

import { stat } from 'node:fs/promises';
import { LockstepError } from '../foundation/errors.js';

/** @throws LockstepError E_DATA_MISSING if there is a file in place of the folder */
export async function refuseFile(dataDir: string): Promise<void> {
  const found = await stat(dataDir).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new LockstepError(
    'E_DATA_MISSING',
    `${dataDir} is a file, and a data set is a folder; name the folder that contains this file`,
  );
}
