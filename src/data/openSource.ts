/** The data sets that have files, behind one interface: everything after it is the same for all. */

import { findCifar100, loadCifar100 } from './cifar100.js';
import { hasIdx, loadIdx } from './idx.js';
import type { ImageSet } from './imageSet.js';
import type * as Pictures from './pictures/folderSet.js';
import type { FolderOptions } from './pictures/folderSet.js';
import type { DecodingProgress } from './pictures/packPictures.js';

export const CHANNEL_CHOICES = ['colour', 'grey'] as const;
export const BAD_IMAGE_CHOICES = ['refuse', 'skip'] as const;

/** How files become images: part of a run's recipe. */
export interface Reading {
  /** CIFAR-100: the 20 superclasses are the labels. */
  readonly coarseLabels: boolean;
  /** A folder: height and width. */
  readonly imageSize: number;
  readonly channels: (typeof CHANNEL_CHOICES)[number];
  readonly badImages: (typeof BAD_IMAGE_CHOICES)[number];
}

export const USUAL_READING: Reading = {
  coarseLabels: false,
  imageSize: 32,
  channels: 'colour',
  badImages: 'refuse',
};

export interface SourceOptions extends Reading {
  readonly dataDir: string;
  /** Where packed files are kept. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DecodingProgress) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface OpenedSource {
  readonly training: ImageSet;
  /** The last so many samples of `training` are for validation; undefined: the seed chooses them. */
  readonly validationCount?: number | undefined;
  /** Missing if there is no test set. */
  readonly openTest?: (() => Promise<ImageSet>) | undefined;
}

export const FILE_SOURCES = ['cifar100', 'folder', 'idx'] as const;
export type FileSource = (typeof FILE_SOURCES)[number];

export function isFileSource(name: string): name is FileSource {
  return (FILE_SOURCES as readonly string[]).includes(name);
}

/** Does not open the test set. @throws LockstepError that names the file */
export async function openSource(name: FileSource, options: SourceOptions): Promise<OpenedSource> {
  const { dataDir } = options;
  const openTest = (): Promise<ImageSet> => openSourceTest(name, options);
  switch (name) {
    case 'cifar100':
      return {
        training: await loadCifar100(options, 'training'),
        ...((await hasCifar100Test(dataDir)) && { openTest }),
      };
    case 'idx': {
      const training = await loadIdx(dataDir, 'training');
      return { training, ...((await hasIdx(dataDir, 'test')) && { openTest }) };
    }
    case 'folder': {
      const { loadFolder } = await pictures();
      const { training, validationCount, hasTest } = await loadFolder(folderOptions(options));
      return { training, validationCount, ...(hasTest && { openTest }) };
    }
  }
}

/** @throws LockstepError that names the file */
export async function openSourceTest(name: FileSource, options: SourceOptions): Promise<ImageSet> {
  switch (name) {
    case 'cifar100':
      return loadCifar100(options, 'test');
    case 'idx':
      return loadIdx(options.dataDir, 'test');
    case 'folder':
      return (await pictures()).loadFolderTest(folderOptions(options));
  }
}

/** Loaded when it is needed: worker threads import this folder, and need neither the files nor the packages. */
function pictures(): Promise<typeof Pictures> {
  return import('./pictures/folderSet.js');
}

/**
 * For a run that will ask for the test set in the end: pictures are decoded now, so that nothing is found out after hours.
 * Looks at no image otherwise. @throws LockstepError
 */
export async function checkTestSource(name: FileSource, options: SourceOptions): Promise<void> {
  if (name === 'cifar100') await findCifar100(options.dataDir, 'test');
  else await openSourceTest(name, options);
}

async function hasCifar100Test(dataDir: string): Promise<boolean> {
  return findCifar100(dataDir, 'test').then(
    () => true,
    () => false,
  );
}

export function folderOptions({ dataDir, imageSize, channels, ...rest }: SourceOptions): FolderOptions {
  const shape = { height: imageSize, width: imageSize, channels: channels === 'grey' ? 1 : 3 } as const;
  return { ...rest, dir: dataDir, shape };
}
