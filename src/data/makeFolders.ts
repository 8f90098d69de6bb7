/** Makes folders one by one. */

import { existsSync, readlinkSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Not with Node's recursive mkdir, which never returns where the system
 * says that a folder is missing whose parent is there, as /proc does.
 * @returns the topmost folder that was made, or undefined if all were there
 * @throws Error whose message says what is in the way
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.unshift(path);
  for (const path of missing) {
    await mkdir(path).catch((error: unknown) => {
      if (isFolder(path)) return; // somebody else has just made it
      throw brokenLinkAt(path) ?? error;
    });
  }
  if (!isFolder(folder)) throw new Error(`${folder} is not a folder`);
  return missing[0];
}

/** What is wrong with a link that leads nowhere; undefined for anything else. */
export function brokenLinkAt(path: string): Error | undefined {
  if (existsSync(path)) return undefined;
  try {
    return new Error(`${path} is a link to ${readlinkSync(path)}, which is not there`);
  } catch {
    return undefined; // nothing is there, or nothing that is a link
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
