/** A data set from a folder of pictures: `--dataset folder`. */

import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import { OptionError, use } from '../../foundation/options/optionError.js';
import { concatenatedSet } from '../concatenatedSet.js';
import type { ImageSet } from '../imageSet.js';
import { byUnits, FOLDER_PARTS, findFolderLayout, foldersIn, shown } from './folderLayout.js';
import type { FolderLayout, FolderPart } from './folderLayout.js';
import type { PictureShape } from './decodePicture.js';
import type { PackedSet } from './packFile.js';
import { packPictures } from './packPictures.js';
import type { DecodingProgress } from './packPictures.js';
import { PICTURE_FAULTS } from './pictureFault.js';
import type { BadPicture } from './pictureFault.js';
import { listPictures } from './pictureFiles.js';
import type { PictureListing } from './pictureFiles.js';

export interface FolderOptions {
  readonly dir: string;
  readonly shape: PictureShape;
  /** What becomes of files that cannot be used: an error, or a notice. */
  readonly badImages: 'refuse' | 'skip';
  /** Where packed files are kept. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DecodingProgress) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface FolderData {
  /** The training part, then the validation part if the folder has one. */
  readonly training: ImageSet;
  /** Samples of the validation part; undefined: the folder has none. */
  readonly validationCount: number | undefined;
  readonly hasTest: boolean;
}

const NAME = 'folder';
const MOST_NAMED = 5;

/** @throws LockstepError, for example E_DATA_CORRUPT that names the files which cannot be used */
export async function loadFolder(options: FolderOptions): Promise<FolderData> {
  const layout = await findFolderLayout(options.dir);
  if (layout.ignored.length > 0) {
    options.onNotice?.(
      `${shown(options.dir)}: only train, val and test are used; these folders are not: ${namesText(layout.ignored)}`,
    );
  }
  const training = await loadPart('training', layout, options);
  const validation =
    layout.parts.validation === undefined ? undefined : await loadPart('validation', layout, options);
  return {
    training: validation === undefined ? training : concatenatedSet(NAME, [training, validation]),
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
    `${shown(options.dir)} has no test pictures; put them into ${join(shown(options.dir), 'test')}, one folder a class, beside train`,
  );
}

export async function loadPart(
  part: FolderPart,
  layout: FolderLayout,
  options: FolderOptions,
): Promise<PackedSet> {
  const { dir, shape, signal, onProgress } = options;
  const { root, parts, classNames } = layout;
  const place = parts[part] ?? FOLDER_PARTS[part];
  const folder = join(root, place);
  if (part !== 'training') await refuseOtherClasses(folder, join(dir, place), classNames);
  const listing = await listPictures(root, folder, classNames);
  const where = shown(join(dir, place));
  refuseWithoutPictures(listing, where, part === 'training' ? classNames : []);
  const set = await packPictures({
    ...{ name: NAME, folder, listing, classNames, shape, signal, onProgress },
    file: packFileOfPart(part, layout, options),
    what: `the ${part} pictures`,
  });
  if (part === 'test') set.nameFiles(usedFiles(place, listing, set));
  tellOfBad(set, listing, { where, options });
  refuseEmptyClasses(set, where, part === 'training');
  return set;
}

/** From the data's folder on, in the order of the images. */
function usedFiles(place: string, { files }: PictureListing, { description }: PackedSet): readonly string[] {
  const bad = new Set(description.bad.map(({ path }) => path));
  return files.filter(({ path }) => !bad.has(path)).map(({ path }) => `${place}/${path}`);
}

/** One a folder, size and number of channels: a changed folder replaces it. */
export function packFileOfPart(
  part: FolderPart,
  { root, parts }: FolderLayout,
  { cacheFolder, shape: { height, width, channels } }: FolderOptions,
): string {
  const folder = join(root, parts[part] ?? FOLDER_PARTS[part]);
  const size = `${height}x${width}x${channels}`;
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const word = basename(folder)
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .slice(0, 32);
  return join(cacheFolder, 'pictures', `${word}-${digest}-${size}.pack`);
}

async function refuseOtherClasses(
  folder: string,
  where: string,
  classNames: readonly string[],
): Promise<void> {
  const others = (await foldersIn(folder)).filter((name) => !classNames.includes(name));
  if (others.length === 0) return;
  throw new LockstepError(
    'E_DATA_CORRUPT',
    `${shown(where)} holds ${count(others.length, 'folder')} that train does not have: ${namesText(others)}; rename or remove them`,
  );
}

function refuseWithoutPictures(
  { files, ignored }: PictureListing,
  where: string,
  classNames: readonly string[],
): void {
  const present = new Set(files.map(({ label }) => label));
  const empty = classNames.filter((_, label) => !present.has(label));
  if (files.length > 0 && empty.length === 0) return;
  const others = [...ignored].map(([extension, found]) => `${found} ${shown(extension)}`).join(', ');
  const instead = ignored.size === 0 ? '' : ` (there are other files: ${others})`;
  const what =
    empty.length > 0 && files.length > 0
      ? `${count(empty.length, 'class folder')} of ${where} without a picture: ${namesText(empty)}`
      : `${where} holds no pictures`;
  throw new LockstepError(
    'E_DATA_CORRUPT',
    `${what}${instead}; a picture is a file that ends in .png, .jpg, .jpeg or .webp: add some, or remove the folders`,
  );
}

/** After decoding: all pictures of a class may be damaged. */
function refuseEmptyClasses(set: PackedSet, where: string, isTraining: boolean): void {
  const counts = new Array<number>(set.classNames.length).fill(0);
  for (let index = 0; index < set.sampleCount; index++) counts[set.labelOf(index)]!++;
  const empty = set.classNames.filter((_, label) => counts[label] === 0);
  if (set.sampleCount > 0 && (!isTraining || empty.length === 0)) return;
  throw new LockstepError(
    'E_DATA_CORRUPT',
    `${where} holds no picture that can be used${isTraining ? ` of ${namesText(empty)}` : ''}; see docs/data.md, and repair them`,
  );
}

function tellOfBad(
  { description: { bad }, sampleCount }: PackedSet,
  { ignored }: PictureListing,
  { where, options }: { readonly where: string; readonly options: FolderOptions },
): void {
  if (ignored.size > 0) {
    const others = [...ignored]
      .sort(([a], [b]) => byUnits(a, b))
      .map(([end, found]) => `${found} ${shown(end)}`);
    options.onNotice?.(`${where}: files that are no PNG, JPEG or WebP are left out: ${others.join(', ')}`);
  }
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

function namesText(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).map(shown).join(', ');
  return names.length > MOST_NAMED ? `${named} and ${names.length - MOST_NAMED} more` : named;
}
