/** A folder of pictures with one folder a class, as torchvision's ImageFolder has it; perhaps within train/, val/ and test/. */

import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { printable } from '../../foundation/printable.js';
import { isPictureName } from './pictureFiles.js';

/** The folder of each part of the data; all but `training` may be missing. */
export const FOLDER_PARTS = { training: 'train', validation: 'val', test: 'test' } as const;
export type FolderPart = keyof typeof FOLDER_PARTS;

export interface FolderLayout {
  /** The folder itself, with links resolved. */
  readonly root: string;
  /** Where each part lies, from `root`; '' is `root` itself. */
  readonly parts: { readonly training: string } & Partial<Record<FolderPart, string>>;
  /** The names of the training part's folders, in the order of their UTF-16 units: the place is the label. */
  readonly classNames: readonly string[];
  /** Folders beside the parts, which are not used. */
  readonly ignored: readonly string[];
}

/** A label is one byte. */
const MOST_CLASSES = 256;
const LONGEST_PATH_SHOWN = 200;

/** @throws LockstepError E_DATA_MISSING or E_DATA_CORRUPT for a folder that is no data set */
export async function findFolderLayout(dir: string): Promise<FolderLayout> {
  const root = await existingFolder(dir);
  const folders = await foldersIn(root);
  const isSplit = folders.includes('train') && (await foldersIn(join(root, 'train'))).length > 0;
  if (!isSplit) {
    const parts = { training: '' };
    refusePartsAlone(dir, folders);
    return { root, parts, classNames: await checkClasses(dir, root, folders), ignored: [] };
  }
  const parts = Object.fromEntries(
    Object.entries(FOLDER_PARTS).filter(([, name]) => folders.includes(name)),
  ) as FolderLayout['parts'];
  const names: readonly string[] = Object.values(FOLDER_PARTS);
  const training = join(root, 'train');
  return {
    root,
    parts,
    classNames: await checkClasses(join(dir, 'train'), training, await foldersIn(training)),
    ignored: folders.filter((name) => !names.includes(name)),
  };
}

async function existingFolder(dir: string): Promise<string> {
  try {
    const root = await realpath(dir);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new LockstepError('E_IO', `${shown(dir)} cannot be read (${describeError(error)})`, {
        cause: error,
      });
    }
    throw missing(`${shown(dir)} does not exist`);
  }
  throw missing(`${shown(dir)} is not a folder`);
}

/** Hidden ones are not looked at. A link to a folder is none. */
export async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    return folders.map(({ name }) => name).sort(byUnits);
  } catch (error) {
    throw new LockstepError(
      'E_IO',
      `${shown(folder)} cannot be read (${describeError(error)}); check that you may read it`,
      { cause: error },
    );
  }
}

/** The same on every machine, whatever its language. */
export function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function checkClasses(
  dir: string,
  folder: string,
  names: readonly string[],
): Promise<readonly string[]> {
  if (names.length === 0) {
    const loose = (await readdir(folder)).filter(isPictureName).length;
    const what = loose === 0 ? 'holds no folders' : `holds ${loose} pictures and no folders`;
    throw missing(`${shown(dir)} ${what}`);
  }
  if (names.length === 1) {
    throw new LockstepError(
      'E_DATA_CORRUPT',
      `${shown(dir)} holds one class, ${shown(names[0]!)}, and a network needs at least two; add another, or name the folder above`,
    );
  }
  if (names.length > MOST_CLASSES) {
    throw new LockstepError(
      'E_DATA_CORRUPT',
      `${shown(dir)} holds ${names.length} classes, and may hold at most ${MOST_CLASSES}; use fewer`,
    );
  }
  return names;
}

/** Folders called val and test are hardly classes. */
function refusePartsAlone(dir: string, folders: readonly string[]): void {
  const others: readonly string[] = [FOLDER_PARTS.validation, FOLDER_PARTS.test];
  if (folders.length === 0 || folders.some((name) => !others.includes(name))) return;
  throw missing(`${shown(dir)} holds ${folders.join(' and ')} without train`);
}

function missing(problem: string): LockstepError {
  return new LockstepError(
    'E_DATA_MISSING',
    `${problem}; name a folder that holds one folder of pictures for each class, or train, val and test with such folders`,
  );
}

/** Names of files may hold anything. */
export function shown(path: string): string {
  return printable(path, LONGEST_PATH_SHOWN);
}
