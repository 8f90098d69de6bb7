/** What a data set holds, part by part. For the `data` command only: it opens the test set, too. */

import { createHash } from 'node:crypto';
import { LockstepError } from '../foundation/errors.js';
import { loadCifar10, loadCifar10Test } from './cifar10.js';
import { countLabels, gatherSamples } from './imageSet.js';
import type { DatasetName, ImageSet, ImageShape } from './imageSet.js';
import { measureNormalisation } from './normalisation.js';
import type { Normalisation } from './normalisation.js';
import { folderOptions, isFileSource, openSource } from './openSource.js';
import type { OpenedSource, SourceOptions } from './openSource.js';
import type { FolderPart } from './pictures/folderLayout.js';
import type { FolderPartReport } from './pictures/verifyPictures.js';
import { syntheticTestSet, syntheticTrainingSet } from './synthetic.js';

export type { FolderPartReport } from './pictures/verifyPictures.js';

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
  for (let begin = 0; begin < indices.length; begin += BLOCK_SAMPLES) {
    const samples = gatherSamples(set, indices.subarray(begin, begin + BLOCK_SAMPLES));
    content.update(samples.pixels);
    labels.set(samples.labels, begin);
  }
  const counts = countLabels(labels, set.classNames.length);
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

/** Decodes every picture of a folder anew. @throws LockstepError for a folder that is no data set, or E_IO */
export async function verifyFolder(options: SourceOptions): Promise<readonly FolderPartReport[]> {
  const { verifyPictures } = await import('./pictures/verifyPictures.js'); // only here: see openSource.ts
  return verifyPictures(folderOptions(options));
}
