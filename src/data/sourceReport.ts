/** What a data set holds, part by part. For the `data` command only: it opens the test set, too. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, LockstepError } from '../foundation/errors.js';
import { loadCifar10, loadCifar10Test } from './cifar10.js';
import { gatherSamples } from './imageSet.js';
import type { DatasetName, ImageSet, ImageShape } from './imageSet.js';
import { makeFolders } from './makeFolders.js';
import { measureNormalisation } from './normalisation.js';
import type { Normalisation } from './normalisation.js';
import { folderOptions, isFileSource, openSource } from './openSource.js';
import type { OpenedSource, SourceOptions } from './openSource.js';
import { findFolderLayout, FOLDER_PARTS } from './pictures/folderLayout.js';
import type { FolderPart } from './pictures/folderLayout.js';
import { loadPart, packFileOfPart } from './pictures/folderSet.js';
import { PackedSet } from './pictures/packFile.js';
import type { PackDescription } from './pictures/packFile.js';
import type { BadPicture } from './pictures/pictureFault.js';
import { syntheticTestSet, syntheticTrainingSet } from './synthetic.js';

export interface PartReport {
  readonly part: FolderPart;
  readonly images: number;
  readonly imageShape: ImageShape;
  /** By label. */
  readonly classes: readonly { readonly name: string; readonly images: number }[];
  /** Of the pixels in [0, 1]; null where a channel has only one value. */
  readonly normalisation: Normalisation | null;
  /** SHA-256 of all images (H, W, C), then all labels: the same for the same images in any form. */
  readonly contentSha256: string;
}

/** Any data set, opened for a look. */
export async function openAnySource(name: DatasetName, options: SourceOptions): Promise<OpenedSource> {
  if (isFileSource(name)) return openSource(name, options);
  if (name === 'synthetic') {
    return { training: syntheticTrainingSet(), openTest: () => Promise.resolve(syntheticTestSet()) };
  }
  const { dataDir } = options;
  return { training: await loadCifar10(dataDir), openTest: () => loadCifar10Test(dataDir) };
}

/** @throws LockstepError that names the file */
export async function reportSource(
  name: DatasetName,
  options: SourceOptions,
): Promise<readonly PartReport[]> {
  const { training, validationCount = 0, openTest } = await openAnySource(name, options);
  const first = training.sampleCount - validationCount;
  const reports = [reportPart('training', training, 0, first)];
  if (validationCount > 0) reports.push(reportPart('validation', training, first, training.sampleCount));
  const test = await openTest?.();
  if (test !== undefined) reports.push(reportPart('test', test, 0, test.sampleCount));
  return reports;
}

const BLOCK_SAMPLES = 64;

function reportPart(part: FolderPart, set: ImageSet, from: number, to: number): PartReport {
  const indices = Uint32Array.from({ length: to - from }, (_, index) => from + index);
  const content = createHash('sha256');
  const labels = new Uint8Array(indices.length);
  const counts = new Array<number>(set.classNames.length).fill(0);
  for (let begin = 0; begin < indices.length; begin += BLOCK_SAMPLES) {
    const samples = gatherSamples(set, indices.subarray(begin, begin + BLOCK_SAMPLES));
    content.update(samples.pixels);
    labels.set(samples.labels, begin);
    for (const label of samples.labels) counts[label]!++;
  }
  return {
    part,
    images: indices.length,
    imageShape: set.imageShape,
    classes: set.classNames.map((name, label) => ({ name, images: counts[label]! })),
    normalisation: normalisationOf(set, indices),
    contentSha256: content.update(labels).digest('hex'),
  };
}

function normalisationOf(set: ImageSet, indices: Uint32Array): Normalisation | null {
  try {
    return measureNormalisation(set, indices);
  } catch (error) {
    if (error instanceof LockstepError) return null;
    throw error;
  }
}

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
export async function verifyFolder(options: SourceOptions): Promise<readonly FolderPartReport[]> {
  const layout = await findFolderLayout(options.dataDir);
  await makeFolders(options.cacheFolder);
  const scratch = await mkdtemp(join(options.cacheFolder, 'verify-'));
  const reports: FolderPartReport[] = [];
  try {
    for (const part of Object.keys(FOLDER_PARTS) as FolderPart[]) {
      if (layout.parts[part] === undefined) continue;
      const folder = {
        ...folderOptions(options),
        badImages: 'skip',
        cacheFolder: scratch,
        onNotice: undefined,
      } as const;
      try {
        const { description } = await loadPart(part, layout, folder);
        const kept = PackedSet.open('folder', packFileOfPart(part, layout, folderOptions(options)));
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
