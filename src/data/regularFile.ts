/** Reads regular files only: a pipe could block the reader, and a device could be endless. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { describeError, LockstepError } from '../foundation/errors.js';

/** With this flag, opening a pipe does not wait for a writer. Undefined on Windows, although its type says otherwise. */
const WITHOUT_WAITING = (constants.O_NONBLOCK as number | undefined) ?? 0;

/**
 * @param checkSize called before the file is read; throws to refuse the size
 * @throws the system's error, that of `checkSize`, or an Error if this is not a regular file or shrinks meanwhile
 */
export async function readRegularFile(path: string, checkSize: (byteCount: number) => void): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | WITHOUT_WAITING);
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw new Error('it is a folder');
    if (!found.isFile()) throw new Error('it is a pipe or a device, not a regular file');
    checkSize(found.size);
    const bytes = Buffer.allocUnsafeSlow(found.size);
    for (let length = 0; length < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) throw new Error(`it ends after ${length} of ${bytes.length} bytes`);
      length += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/**
 * A file of a data set.
 * @param checkSize throws a LockstepError to refuse the size
 * @param missing the error for a file that is not there; left out: as for one that cannot be read
 * @throws LockstepError E_IO, or one of these
 */
export async function readDataFile(
  path: string,
  checkSize: (byteCount: number) => void,
  missing?: () => LockstepError,
): Promise<Buffer> {
  try {
    return await readRegularFile(path, checkSize);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    if (missing && (error as NodeJS.ErrnoException).code === 'ENOENT') throw missing();
    throw new LockstepError(
      'E_IO',
      `${path} cannot be read (${describeError(error)}); check that it is a file and that you may read it`,
      { cause: error },
    );
  }
}
