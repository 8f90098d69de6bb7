/** The header of a checkpoint, read without the tensors behind it, which may have hundreds of megabytes. */

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { MOST_HEADER_BYTES } from './safetensors.js';

const LENGTH_BYTES = 8;

export interface FileHeader {
  readonly handle: FileHandle;
  /** The header's JSON. */
  readonly header: unknown;
  /** Where the tensors begin. */
  readonly dataStart: number;
}

/**
 * Reads the header, and lets `use` read on.
 * @returns undefined if the file is missing or no checkpoint, or `use` throws
 */
export async function withFileHeader<Found>(
  file: string,
  use: (opened: FileHeader) => Found | Promise<Found>,
): Promise<Found | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      if (!(await handle.stat()).isFile()) return undefined;
      const headerBytes = Number((await bytesAt(handle, 0, LENGTH_BYTES)).readBigUInt64LE());
      if (headerBytes > MOST_HEADER_BYTES) return undefined;
      const header: unknown = JSON.parse((await bytesAt(handle, LENGTH_BYTES, headerBytes)).toString('utf8'));
      return await use({ handle, header, dataStart: LENGTH_BYTES + headerBytes });
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

/** @throws Error if the file has fewer bytes */
export async function bytesAt(handle: FileHandle, from: number, byteCount: number): Promise<Buffer> {
  const bytes = Buffer.alloc(byteCount);
  const { bytesRead } = await handle.read(bytes, 0, byteCount, from);
  if (bytesRead < byteCount) throw new Error('the file is cut off');
  return bytes;
}
