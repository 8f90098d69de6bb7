/** Writes a folder of files so that it is either complete or not there. */

import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from '../../data/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { ioError, syncFolder } from './files.js';
import { refuseObstacle } from './obstacle.js';

export interface NewFile {
  /** Inside the folder. */
  readonly name: string;
  readonly content: string | Uint8Array;
}

/**
 * @param rule the end of the message: what is kept there, and what to do
 * @throws LockstepError E_IO for a folder that holds something, is a file, or cannot be written to: nothing is replaced, or
 *   mixed with other files
 */
export function refuseFilledFolder(
  folder: string,
  rule = 'nothing in it may be replaced; choose a new or an empty folder',
): void {
  let isEmpty: boolean;
  try {
    isEmpty = !existsSync(folder) || readdirSync(folder).length === 0;
  } catch (error) {
    throw ioError(folder, error);
  }
  if (isEmpty) refuseObstacle(folder);
  else throw new LockstepError('E_IO', `${folder} is not empty, and ${rule}`);
}

/**
 * Writes the files beside the folder, and puts them in its place when all are there.
 * @param folder new or empty
 * @param signal if it is aborted, nothing is left
 * @throws LockstepError E_IO, E_STOPPED
 */
export async function writeWholeFolder(
  folder: string,
  files: readonly NewFile[],
  signal: AbortSignal,
): Promise<void> {
  refuseFilledFolder(folder);
  const target = path.resolve(folder);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await makeFolders(path.dirname(target));
    await mkdir(temporary);
    for (const { name, content } of files) {
      if (signal.aborted) throw stopped(folder);
      await writeSynced(path.join(temporary, name), content, signal);
    }
    if (signal.aborted) throw stopped(folder);
    await syncFolder(temporary);
    if (existsSync(target)) await rmdir(target); // fails if something has come into it
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (signal.aborted) throw stopped(folder);
    throw error instanceof LockstepError ? error : ioError(folder, error);
  }
}

async function writeSynced(file: string, content: string | Uint8Array, signal: AbortSignal): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(content, { signal });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function stopped(folder: string): LockstepError {
  return new LockstepError('E_STOPPED', `stopped before ${folder} was written; nothing is left of it`);
}
