/** Whether every picture of a folder can be used. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { makeFolders } from '../makeFolders.js';
import { findFolderLayout, FOLDER_PARTS } from './folderLayout.js';
import type { FolderPart } from './folderLayout.js';
import { loadPart, packFileOfPart } from './folderSet.js';
import type { FolderOptions } from './folderSet.js';
import { PackedSet } from './packFile.js';
import type { PackDescription } from './packFile.js';
import type { BadPicture } from './pictureFault.js';

/** What became of the pictures of one part of a folder. */
export interface FolderPartReport {
  readonly part: FolderPart;
  readonly images: number;
  readonly bad: readonly BadPicture[];
  /** Why the part cannot be used, besides what `bad` says. */
  readonly problem: string | null;
  /**
   * Whether the packed file that runs use has the same images. `different`: a file was replaced and kept its size and time;
   * `missing`, too, if the next run will make a new one.
   */
  readonly packed: 'same' | 'different' | 'missing';
}

/** Decodes every picture anew. @throws LockstepError for a folder that is no data set, or E_IO */
export async function verifyPictures(options: FolderOptions): Promise<readonly FolderPartReport[]> {
  const layout = await findFolderLayout(options.dir);
  await makeFolders(options.cacheFolder);
  const scratch = await mkdtemp(join(options.cacheFolder, 'verify-'));
  const reports: FolderPartReport[] = [];
  try {
    for (const part of Object.keys(FOLDER_PARTS) as FolderPart[]) {
      if (layout.parts[part] === undefined) continue;
      const folder = {
        ...options,
        badImages: 'skip',
        cacheFolder: scratch,
        onNotice: undefined,
      } as const;
      try {
        const { description } = await loadPart(part, layout, folder);
        const kept = PackedSet.open('folder', packFileOfPart(part, layout, options));
        const packed = comparedWith(kept?.description, description);
        reports.push({ part, images: description.sampleCount, bad: description.bad, problem: null, packed });
      } catch (error) {
        if (!(error instanceof LockstepError) || error.code !== 'E_DATA_CORRUPT') throw error;
        reports.push({ part, images: 0, bad: [], problem: describeError(error), packed: 'missing' });
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return reports;
}

/** One that was made from other files says nothing: the next run makes it anew. */
function comparedWith(kept: PackDescription | undefined, now: PackDescription): FolderPartReport['packed'] {
  if (kept?.sourceSha256 !== now.sourceSha256) return 'missing';
  return kept.contentSha256 === now.contentSha256 ? 'same' : 'different';
}
