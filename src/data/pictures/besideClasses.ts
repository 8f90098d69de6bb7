/** What lies beside the class folders and is used by nothing: told of, for it may be meant as data. */

import { readdir } from 'node:fs/promises';
import { count } from '../../foundation/count.js';
import { namesText } from './folderLayout.js';
import { isForeignFolder, isPictureName } from './pictureFiles.js';

/**
 * @param folder that holds the class folders, or the parts
 * @param where how messages call it
 * @returns a notice for each kind; nothing for a folder that cannot be listed, which is told of elsewhere
 */
export async function noticesBeside(folder: string, where: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const isUnused = (name: string): boolean => name.startsWith('.') || isForeignFolder(name);
  const folders = entries.filter((entry) => entry.isDirectory() && isUnused(entry.name));
  const pictures = entries.filter((entry) => !entry.isDirectory() && isPictureName(entry.name));
  const named = (found: typeof entries): string => namesText(found.map(({ name }) => name).sort());
  return [
    ...(pictures.length === 0
      ? []
      : [
          `${where}: ${count(pictures.length, 'picture')} beside the class folders left out: ${named(pictures)}; a picture counts in the folder of its class`,
        ]),
    ...(folders.length === 0
      ? []
      : [`${where}: hidden folders and those of a zip program are left out: ${named(folders)}`]),
  ];
}
