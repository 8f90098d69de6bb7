/** The images that are to be predicted: files, all files of folders, and bytes that a program or standard input brings. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '../../foundation/errors.js';
import { isPictureName } from '../../data/index.js';

/** An encoded picture, as a file holds it. */
export interface PictureBytes {
  /** For messages and results. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type PictureSource = string | PictureBytes;

/**
 * Folders become the pictures in them and in the folders below, by name; hidden ones are left out.
 * @throws LockstepError E_DATA_MISSING for a folder without pictures, E_IO for one that cannot be read
 */
export function listSources(given: readonly PictureSource[]): readonly PictureSource[] {
  return given.flatMap((source): readonly PictureSource[] => {
    if (typeof source !== 'string' || !isFolder(source)) return [source];
    const found = picturesIn(source);
    if (found.length > 0) return found;
    throw new LockstepError(
      'E_DATA_MISSING',
      `${source} holds no images; give a folder with PNG, JPEG or WebP files, or the files themselves`,
    );
  });
}

/** What is missing is told with the other images that cannot be read. */
function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

const DEEPEST = 16;

/** Links to folders are not followed: they may lead round in circles. */
function picturesIn(folder: string, depth = 0): readonly string[] {
  if (depth > DEEPEST) return [];
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new LockstepError('E_IO', `${folder} cannot be read; make it readable, or leave it out`, {
      cause: error,
    });
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const place = path.join(folder, entry.name);
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return picturesIn(place, depth + 1);
    return isPictureName(entry.name) && !isFolder(place) ? [place] : [];
  });
}
