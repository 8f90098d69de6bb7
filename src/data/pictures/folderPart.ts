/** One part of a folder of pictures: what it holds, and what is wrong with its class folders. */

import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { count } from '../../foundation/count.js';
import type { PictureShape } from './decodePicture.js';
import { FOLDER_PARTS, foldersIn, namesText, shown } from './folderLayout.js';
import type { FolderLayout, FolderPart } from './folderLayout.js';
import type { PackedSet } from './packFile.js';
import { packPictures } from './packPictures.js';
import type { DecodingProgress } from './packPictures.js';
import { listPictures } from './pictureFiles.js';
import type { PictureListing } from './pictureFiles.js';

export const DATA_NAME = 'folder';

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

export interface ListedPart {
  readonly part: FolderPart;
  /** Of the part, from the folder that was named. */
  readonly place: string;
  readonly folder: string;
  /** How messages call the folder. */
  readonly where: string;
  readonly listing: PictureListing;
  /** Of which each must have a picture: those of the training part; the others may lack some. */
  readonly neededClasses: readonly string[];
  /** Folders that the training part does not have. */
  readonly otherClasses: readonly string[];
}

export async function listPart(part: FolderPart, layout: FolderLayout, dir: string): Promise<ListedPart> {
  const { root, parts, classNames } = layout;
  const place = parts[part] ?? FOLDER_PARTS[part];
  const folder = join(root, place);
  const isTraining = part === 'training';
  const otherClasses = isTraining
    ? []
    : (await foldersIn(folder)).filter((name) => !classNames.includes(name));
  return {
    ...{ part, place, folder, otherClasses },
    where: shown(join(dir, place)),
    listing: await listPictures(root, folder, classNames),
    neededClasses: isTraining ? classNames : [],
  };
}

/** Decodes the pictures, or opens what was kept of them. */
export function packPart(
  { part, folder, listing }: ListedPart,
  layout: FolderLayout,
  options: FolderOptions,
): Promise<PackedSet> {
  const { shape, signal, onProgress } = options;
  const { classNames } = layout;
  return packPictures({
    ...{ name: DATA_NAME, folder, listing, classNames, shape, signal, onProgress },
    file: packFileOfPart(part, layout, options),
    what: `the ${part} pictures`,
  });
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

export function otherClassesText({ where, otherClasses }: ListedPart): string {
  return `${where} holds ${count(otherClasses.length, 'folder')} that train does not have: ${namesText(otherClasses)}; rename or remove them`;
}

/** Before decoding. @returns what is wrong, if something is */
export function withoutPicturesText({
  where,
  listing: { files, ignored },
  neededClasses,
}: ListedPart): string | undefined {
  const present = new Set(files.map(({ label }) => label));
  const empty = neededClasses.filter((_, label) => !present.has(label));
  if (files.length > 0 && empty.length === 0) return undefined;
  const others = [...ignored].map(
    ([extension, { count: found, first }]) =>
      `${found} ${shown(extension)}, ${found === 1 ? '' : 'the first '}${shown(first)}`,
  );
  const instead = ignored.size === 0 ? '' : ` (there are other files: ${others.join('; ')})`;
  const what =
    empty.length > 0 && files.length > 0
      ? `${count(empty.length, 'class folder')} of ${where} without a picture: ${namesText(empty)}`
      : `${where} holds no pictures`;
  return `${what}${instead}; a picture is a file that ends in .png, .jpg, .jpeg or .webp: add some, or remove the folders`;
}

/** After decoding: all pictures of a class may be damaged. @returns what is wrong, if something is */
export function unusableClassesText(
  { where, listing: { files }, neededClasses }: ListedPart,
  set: PackedSet,
): string | undefined {
  const usable = new Set(Array.from({ length: set.sampleCount }, (_, index) => set.labelOf(index)));
  const present = new Set(files.map(({ label }) => label));
  const unusable = neededClasses.filter((_, label) => present.has(label) && !usable.has(label));
  if (set.sampleCount > 0 && unusable.length === 0) return undefined;
  const ofThem = unusable.length > 0 ? ` of ${namesText(unusable)}` : '';
  return `${where} holds no picture that can be used${ofThem}; see docs/data.md, and repair them`;
}
