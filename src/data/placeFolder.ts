/** Puts a finished folder in its place with one rename. */

import { lstat, rename } from 'node:fs/promises';

/**
 * Renames `source` to `target`, on the same disk. An existing `target` is moved aside, and back if the rename fails.
 * @returns where the existing `target` was moved to, if there was one
 */
export async function placeFolder(source: string, target: string): Promise<string | undefined> {
  const movedAside = await moveAside(target);
  try {
    await rename(source, target);
  } catch (error) {
    if (movedAside !== undefined) await rename(movedAside, target);
    throw error;
  }
  return movedAside;
}

async function moveAside(target: string): Promise<string | undefined> {
  if (!(await exists(target))) return undefined;
  for (let number = 1; ; number++) {
    const aside = `${target}.damaged-${number}`;
    if (await exists(aside)) continue;
    await rename(target, aside);
    return aside;
  }
}

async function exists(path: string): Promise<boolean> {
  // A broken link is in the way, too.
  return lstat(path).then(
    () => true,
    () => false,
  );
}
