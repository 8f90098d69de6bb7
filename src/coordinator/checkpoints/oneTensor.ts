/** Reads one tensor out of a checkpoint without reading the rest, which may have hundreds of megabytes. */

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import { extentsOf, MOST_HEADER_BYTES } from './safetensors.js';
import type { NamedTensor } from './safetensors.js';

const LENGTH_BYTES = 8;
const MOST_TENSOR_BYTES = 1 << 20;

/**
 * The first tensor in the file's order whose name and shape are wanted.
 * @returns undefined if there is none, it is larger than a megabyte, or the file is missing or no checkpoint
 */
export async function readOneTensor(
  file: string,
  isWanted: (name: string, shape: readonly number[]) => boolean,
): Promise<NamedTensor | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      if (!(await handle.stat()).isFile()) return undefined;
      const headerBytes = Number((await bytesAt(handle, 0, LENGTH_BYTES)).readBigUInt64LE());
      if (headerBytes > MOST_HEADER_BYTES) return undefined;
      const header: unknown = JSON.parse((await bytesAt(handle, LENGTH_BYTES, headerBytes)).toString('utf8'));
      const wanted = extentsOf(header, file).find(({ name, shape }) => isWanted(name, shape));
      if (!wanted || wanted.end - wanted.begin > MOST_TENSOR_BYTES) return undefined;
      const { name, shape, begin, end } = wanted;
      const bytes = await bytesAt(handle, LENGTH_BYTES + headerBytes + begin, end - begin);
      return { name, shape, values: floatsFromLittleEndian(bytes) };
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

/** @throws Error if the file has fewer bytes */
async function bytesAt(handle: FileHandle, from: number, byteCount: number): Promise<Buffer> {
  const bytes = Buffer.alloc(byteCount);
  const { bytesRead } = await handle.read(bytes, 0, byteCount, from);
  if (bytesRead < byteCount) throw new Error('the file is cut off');
  return bytes;
}
