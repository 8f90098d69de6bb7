/** A data set from a folder of pictures: `--dataset folder`. */

import { join } from 'node:path';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import { OptionError, use } from '../../foundation/options/optionError.js';
import { concatenatedSet } from '../concatenatedSet.js';
import type { ImageSet } from '../imageSet.js';
import { noticesBeside } from './besideClasses.js';
import { byUnits, findFolderLayout, namesText, shown } from './folderLayout.js';
import type { FolderLayout, FolderPart } from './folderLayout.js';
import {
  DATA_NAME,
  listPart,
  otherClassesText,
  packPart,
  unusableClassesText,
  withoutPicturesText,
} from './folderPart.js';
import type { FolderOptions, ListedPart } from './folderPart.js';
import type { PackedSet } from './packFile.js';
import { PICTURE_FAULTS } from './pictureFault.js';
import type { BadPicture } from './pictureFault.js';

export type { FolderOptions } from './folderPart.js';

export interface FolderData {
  /** The training part, then the validation part if the folder has one. */
  readonly training: ImageSet;
  /** Samples of the validation part; undefined: the folder has none. */
  readonly validationCount: number | undefined;
  readonly hasTest: boolean;
}

const MOST_NAMED = 5;

/** @throws LockstepError, for example E_DATA_CORRUPT that names the files which cannot be used */
export async function loadFolder(options: FolderOptions): Promise<FolderData> {
  const layout = await findFolderLayout(options.dir);
  await tellOfFolders(layout, options);
  const training = await loadPart('training', layout, options);
  const validation =
    layout.parts.validation === undefined ? undefined : await loadPart('validation', layout, options);
  return {
    training: validation === undefined ? training : concatenatedSet(DATA_NAME, [training, validation]),
    validationCount: validation?.sampleCount,
    hasTest: layout.parts.test !== undefined,
  };
}

/** @throws LockstepError E_DATA_MISSING if the folder has no test part */
export async function loadFolderTest(options: FolderOptions): Promise<ImageSet> {
  const layout = await findFolderLayout(options.dir);
  if (layout.parts.test !== undefined) return loadPart('test', layout, options);
  throw new LockstepError(
    'E_DATA_MISSING',
    `${shown(options.dir)} has no test pictures; ${testRemedy(options.dir, layout)}`,
  );
}

/** Beside the classes of a plain folder, `test` would be one of them. */
function testRemedy(dir: string, { parts }: FolderLayout): string {
  const [training, test] = [join(shown(dir), 'train'), join(shown(dir), 'test')];
  return parts.training === ''
    ? `move the classes into ${training}, and put test pictures into ${test}, one folder a class`
    : `put them into ${test}, one folder a class, beside train`;
}

async function loadPart(part: FolderPart, layout: FolderLayout, options: FolderOptions): Promise<PackedSet> {
  const listed = await listPart(part, layout, options.dir);
  if (listed.otherClasses.length > 0) throw corrupt(otherClassesText(listed));
  await tellOfUnused(listed, options);
  const without = withoutPicturesText(listed);
  if (without !== undefined) throw corrupt(without);
  const set = await packPart(listed, layout, options);
  if (part === 'test') set.nameFiles(usedFiles(listed, set));
  tellOfBad(set, { where: listed.where, options });
  const unusable = unusableClassesText(listed, set);
  if (unusable !== undefined) throw corrupt(unusable);
  return set;
}

/** From the data's folder on, in the order of the images. */
function usedFiles({ place, listing: { files } }: ListedPart, { description }: PackedSet): readonly string[] {
  const bad = new Set(description.bad.map(({ path }) => path));
  return files.filter(({ path }) => !bad.has(path)).map(({ path }) => `${place}/${path}`);
}

function corrupt(problem: string): LockstepError {
  return new LockstepError('E_DATA_CORRUPT', problem);
}

async function tellOfBeside(folder: string, where: string, { onNotice }: FolderOptions): Promise<void> {
  if (onNotice === undefined) return;
  for (const notice of await noticesBeside(folder, shown(where))) onNotice(notice);
}

/** Of a folder with parts: what lies beside them. */
export async function tellOfFolders(
  { root, parts, ignored }: FolderLayout,
  options: FolderOptions,
): Promise<void> {
  if (ignored.length > 0) {
    options.onNotice?.(
      `${shown(options.dir)}: only train, val and test are used; these folders are not: ${namesText(ignored)}`,
    );
  }
  if (parts.training !== '') await tellOfBeside(root, options.dir, options);
}

/** Files of other kinds, and what lies beside the class folders. */
export async function tellOfUnused(listed: ListedPart, options: FolderOptions): Promise<void> {
  const { folder, place, where, listing } = listed;
  await tellOfBeside(folder, join(options.dir, place), options);
  if (listing.ignored.size === 0) return;
  const others = [...listing.ignored]
    .sort(([a], [b]) => byUnits(a, b))
    .map(([end, { count: found }]) => `${found} ${shown(end)}`);
  options.onNotice?.(`${where}: files that are no PNG, JPEG or WebP are left out: ${others.join(', ')}`);
}

function tellOfBad(
  { description: { bad }, sampleCount }: PackedSet,
  { where, options }: { readonly where: string; readonly options: FolderOptions },
): void {
  if (bad.length === 0) return;
  const said = `${bad.length.toLocaleString('en-US')} of ${count(sampleCount + bad.length, 'picture')} in ${where} cannot be used (${faultCounts(bad)}): ${badText(bad)}`;
  if (options.badImages === 'skip') {
    options.onNotice?.(`skipped: ${said}`);
    return;
  }
  throw new OptionError(
    [said],
    [{ kind: 'other', text: 'repair or remove them' }, use('badImages', 'skip')],
    'E_DATA_CORRUPT',
  );
}

/** As in `2 truncated, 1 animated`. */
export function faultCounts(bad: readonly BadPicture[]): string {
  const counts = PICTURE_FAULTS.map(
    (fault) => [fault, bad.filter((one) => one.fault === fault).length] as const,
  );
  const found = counts.filter(([, number]) => number > 0);
  return found.map(([fault, number]) => `${number} ${fault}`).join(', ');
}

function badText(bad: readonly BadPicture[]): string {
  const named = bad.slice(0, MOST_NAMED).map(({ path, problem }) => `${shown(path)} ${shown(problem)}`);
  const more = bad.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
