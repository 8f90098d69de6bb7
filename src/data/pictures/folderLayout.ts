/** A folder of pictures with one folder a class, as torchvision's ImageFolder has it; perhaps within train/, val/ and test/. */

import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CLASS_NAME, CLASS_NAME_RULE } from '../../foundation/className.js';
import { count } from '../../foundation/count.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { printable } from '../../foundation/printable.js';
import { isForeignFolder, isPictureName } from './pictureFiles.js';

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
const MOST_NAMED = 5;

/** @throws LockstepError E_DATA_MISSING or E_DATA_CORRUPT for a folder that is no data set */
export async function findFolderLayout(dir: string): Promise<FolderLayout> {
  const root = await existingFolder(dir);
  const folders = await foldersIn(root);
  const isSplit = folders.includes('train') && (await foldersIn(join(root, 'train'))).length > 0;
  if (!isSplit) {
    const parts = { training: '' };
    refusePartsWithoutTraining(dir, folders);
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
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return folders.filter((name) => !name.startsWith('.') && !isForeignFolder(name)).sort(byUnits);
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
  refuseClassNames(dir, names);
  return names;
}

/** Before anything is decoded: the network would be refused by its class names later, which no folder is to be seen in. */
function refuseClassNames(dir: string, names: readonly string[]): void {
  const bad = names.filter((name) => !CLASS_NAME.test(name));
  if (bad.length === 0) return;
  throw new LockstepError(
    'E_DATA_CORRUPT',
    `${shown(dir)} holds ${count(bad.length, 'folder')} whose name cannot be that of a class, which must be ${CLASS_NAME_RULE}: ${namesText(bad)}; rename ${bad.length === 1 ? 'it' : 'them'}`,
  );
}

/** Folders called val and test are hardly classes; those who have such classes put all of them into train. */
function refusePartsWithoutTraining(dir: string, folders: readonly string[]): void {
  const names: readonly string[] = [FOLDER_PARTS.validation, FOLDER_PARTS.test];
  // Test, too: on some systems it is the same name, and elsewhere no other is meant.
  const parts = folders.filter((name) => names.includes(name.toLowerCase()));
  if (parts.length === 0) return;
  const classes = folders.filter((name) => !parts.includes(name));
  const found = parts.map(shown).join(' and ');
  if (classes.length === 0) throw missing(`${shown(dir)} holds ${found} without train`);
  const training = join(shown(dir), FOLDER_PARTS.training);
  throw new LockstepError(
    'E_DATA_CORRUPT',
    classes.includes(FOLDER_PARTS.training)
      ? `${shown(dir)} holds ${found} beside ${namesText(classes)}, and ${training} holds no folders; put a folder of pictures for each class into ${training}`
      : `${shown(dir)} holds ${found} beside ${namesText(classes)}, without train, so it is unclear which are classes; move the classes into ${training} (the parts are called train, val and test, in small letters)`,
  );
}

function missing(problem: string): LockstepError {
  return new LockstepError(
    'E_DATA_MISSING',
    `${problem}; name a folder that holds one folder of pictures for each class, or train, val and test with such folders`,
  );
}

/** The first few of many. */
export function namesText(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).map(shown).join(', ');
  return names.length > MOST_NAMED ? `${named} and ${names.length - MOST_NAMED} more` : named;
}

/** Names of files may hold anything. */
export function shown(path: string): string {
  return printable(path, LONGEST_PATH_SHOWN);
}
