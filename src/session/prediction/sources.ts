/** The images that are to be predicted: files, all files of folders, and bytes that a program or standard input brings. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { isPictureName } from '../../data/index.js';

/** An encoded picture, as a file holds it. */
export interface PictureBytes {
  /** For messages and results. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type PictureSource = string | PictureBytes;

/** What was found in a folder and cannot be predicted: it is reported among the images. */
export interface UnusableSource {
  readonly name: string;
  readonly problem: string;
}

export type ListedSource = PictureSource | UnusableSource;

/**
 * Folders become the pictures in them and in the folders below, by name; hidden ones are left out.
 * @throws LockstepError E_DATA_MISSING for a folder without pictures
 */
export function listSources(given: readonly PictureSource[]): readonly ListedSource[] {
  return given.flatMap((source): readonly ListedSource[] => {
    if (typeof source !== 'string' || !isFolder(source)) return [source];
    const found = picturesIn(source);
    if (found.length > 0) return found;
    throw new LockstepError(
      'E_DATA_MISSING',
      `${source} holds no images; give a folder with PNG, JPEG or WebP files, or the files themselves`,
    );
  });
}

/** What is missing, or cannot be looked at, is told with the other images that cannot be read. */
function isFolder(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

const DEEPEST = 16;

/** Links to folders are not followed: they may lead round in circles. One fault does not keep the others from their answer. */
function picturesIn(folder: string, depth = 0): readonly ListedSource[] {
  if (depth > DEEPEST) {
    return [{ name: folder, problem: `lies more than ${DEEPEST} folders deep; name it itself` }];
  }
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const problem = `cannot be read (${describeError(error)}); make it readable, or leave it out`;
    return [{ name: folder, problem }];
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry): readonly ListedSource[] => {
    const place = path.join(folder, entry.name);
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return picturesIn(place, depth + 1);
    if (entry.isSymbolicLink() && isFolder(place)) {
      return [
        { name: place, problem: 'is a link to a folder, which is not followed; name the folder itself' },
      ];
    }
    return isPictureName(entry.name) ? [place] : [];
  });
}
