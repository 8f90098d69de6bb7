/** Makes folders one by one. */

import { existsSync, readlinkSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and its missing parents. Does not use Node's recursive mkdir, which never returns in /proc: there a
 * folder is reported missing although its parent exists.
 * @returns the topmost folder that was made; undefined if all existed
 * @throws Error whose message says what is in the way
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.unshift(path);
  for (const path of missing) {
    await mkdir(path).catch((error: unknown) => {
      if (isFolder(path)) return; // another process has just made it
      throw brokenLinkAt(path) ?? error;
    });
  }
  if (!isFolder(folder)) throw new Error(`${folder} is not a folder`);
  return missing[0];
}

/** The error for a broken link; undefined for anything else. */
export function brokenLinkAt(path: string): Error | undefined {
  if (existsSync(path)) return undefined;
  try {
    return new Error(`${path} is a link to ${readlinkSync(path)}, which does not exist`);
  } catch {
    return undefined; // missing, or not a link
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
