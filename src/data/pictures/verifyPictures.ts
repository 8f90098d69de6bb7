/** Whether every picture of a folder can be used. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../makeFolders.js';
import { findFolderLayout, FOLDER_PARTS } from './folderLayout.js';
import type { FolderLayout, FolderPart } from './folderLayout.js';
import {
  listPart,
  otherClassesText,
  packFileOfPart,
  packPart,
  unusableClassesText,
  withoutPicturesText,
} from './folderPart.js';
import type { ListedPart } from './folderPart.js';
import { tellOfFolders, tellOfUnused } from './folderSet.js';
import type { FolderOptions } from './folderSet.js';
import { PackedSet } from './packFile.js';
import type { PackDescription } from './packFile.js';
import { notWritten } from './packPictures.js';
import type { BadPicture } from './pictureFault.js';

/** What became of the pictures of one part of a folder. */
export interface FolderPartReport {
  readonly part: FolderPart;
  readonly images: number;
  readonly bad: readonly BadPicture[];
  /** Why the part cannot be used even without those in `bad`, such as a class folder without a picture. */
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
  await tellOfFolders(layout, options);
  const scratch = await makeScratch(options.cacheFolder);
  const reports: FolderPartReport[] = [];
  try {
    for (const part of Object.keys(FOLDER_PARTS) as FolderPart[]) {
      if (layout.parts[part] === undefined) continue;
      reports.push(await verifyPart(await listPart(part, layout, options.dir), layout, { options, scratch }));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return reports;
}

async function makeScratch(cacheFolder: string): Promise<string> {
  try {
    await makeFolders(cacheFolder);
    return await mkdtemp(join(cacheFolder, 'verify-'));
  } catch (error) {
    throw notWritten(cacheFolder, error);
  }
}

/** One fault does not hide another: everything is looked at, whatever is found first. */
async function verifyPart(
  listed: ListedPart,
  layout: FolderLayout,
  { options, scratch }: { readonly options: FolderOptions; readonly scratch: string },
): Promise<FolderPartReport> {
  const { part, listing, otherClasses } = listed;
  await tellOfUnused(listed, options);
  const problems = [
    otherClasses.length > 0 ? otherClassesText(listed) : undefined,
    withoutPicturesText(listed),
  ];
  let [images, bad, packed] = [0, listing.bad, 'missing' as FolderPartReport['packed']];
  if (listing.files.length > 0) {
    const set = await packPart(listed, layout, { ...options, cacheFolder: scratch });
    problems.push(unusableClassesText(listed, set));
    const kept = PackedSet.open('folder', packFileOfPart(part, layout, options));
    packed = comparedWith(kept?.description, set.description);
    [images, bad] = [set.sampleCount, set.description.bad];
  }
  const found = problems.filter((problem) => problem !== undefined);
  return { part, images, bad, problem: found.length === 0 ? null : found.join('. '), packed };
}

/** One that was made from other files says nothing: the next run makes it anew. */
function comparedWith(kept: PackDescription | undefined, now: PackDescription): FolderPartReport['packed'] {
  if (kept?.sourceSha256 !== now.sourceSha256) return 'missing';
  return kept.contentSha256 === now.contentSha256 ? 'same' : 'different';
}
