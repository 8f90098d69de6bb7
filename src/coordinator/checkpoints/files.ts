/** Writes files so that they are either complete or not there. */

import { readdirSync, rmSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from '../../data/index.js';
import { describeError, LockstepError } from '../../foundation/errors.js';

/**
 * Writes a temporary file, syncs it, and renames it: a reader sees either the old content or the new one.
 * @throws LockstepError E_IO naming the file; the old content is then intact
 */
export async function writeFileAtomically(target: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw ioError(target, error);
  }
}

/**
 * Writes a file under a name that nothing has.
 * @throws LockstepError E_IO naming the file; what stood there is intact, and nothing half-written is left
 */
export async function writeNewFile(target: string, content: string | Uint8Array): Promise<void> {
  const file = await open(target, 'wx').catch((error: unknown) => {
    throw ioError(target, error);
  });
  try {
    await file.writeFile(content).finally(() => file.close());
  } catch (error) {
    await rm(target, { force: true }).catch(() => undefined);
    throw ioError(target, error);
  }
}

/**
 * Removes temporary files of these names that killed processes left behind. Call it only while nobody writes.
 * @throws LockstepError E_IO
 */
export function removeTemporaries(folder: string, names: readonly string[]): void {
  try {
    for (const entry of readdirSync(folder)) {
      const name = /^(.+)\.\d+\.tmp$/.exec(entry)?.[1];
      if (name !== undefined && names.includes(name)) rmSync(path.join(folder, entry), { force: true });
    }
  } catch (error) {
    throw ioError(folder, error);
  }
}

/** Errors if folders cannot be opened (Windows) or synced. A rename is atomic there too; the system decides when it is durable. */
const NO_FOLDER_SYNC = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** Makes a rename durable. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/**
 * Makes a folder and those above it.
 * @throws LockstepError E_IO
 */
export async function makeFolder(folder: string): Promise<void> {
  await makeFolders(folder).catch((error: unknown) => {
    throw ioError(folder, error);
  });
}

/**
 * Makes a folder inside an existing one.
 * @returns false if the name is taken
 * @throws LockstepError E_IO
 */
export async function makeFreshFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw ioError(folder, error);
  }
}

export function ioError(file: string, error: unknown): LockstepError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EEXIST') return takenError(file, error);
  const remedy =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'free some disk space'
      : code === 'EACCES' || code === 'EROFS' || code === 'EPERM'
        ? 'make the folder writable, or choose another one'
        : code === 'ENOTDIR'
          ? 'a part of this path is a file, not a folder; choose another path'
          : 'check the path and the disk';
  return new LockstepError('E_IO', `cannot write ${file}: ${describeError(error)}; ${remedy}`, {
    cause: error,
  });
}

/** For what is written under a new name only: nothing that stands there is overwritten. */
export function takenError(file: string, cause?: unknown): LockstepError {
  return new LockstepError(
    'E_IO',
    `cannot write ${file}: it exists already, and is not overwritten; choose another name, or move it away`,
    { cause },
  );
}
