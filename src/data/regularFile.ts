/** Reads files that must be plain ones: a pipe in their place would keep the reader waiting, a device would never end. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Opening a pipe then does not wait for a writer. Undefined on Windows, whatever its type says. */
const WITHOUT_WAITING = (constants.O_NONBLOCK as number | undefined) ?? 0;

/**
 * @param checkSize called before anything is read; throws to refuse a file of this size
 * @throws what the system says, what `checkSize` throws, or an Error if it is no plain file or shrinks meanwhile
 */
export async function readRegularFile(path: string, checkSize: (byteCount: number) => void): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | WITHOUT_WAITING);
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw new Error('it is a folder');
    if (!found.isFile()) throw new Error('it is not a regular file, but a pipe or a device');
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
