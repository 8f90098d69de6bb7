/** Finds the data that a run asks for; decides what `auto` means here. */

import path from 'node:path';
import {
  checkTestSource,
  downloadCifar10,
  findCifar10,
  isFileSource,
  loadCifar10,
  loadCifar10Test,
  locateCifar10,
  openSource,
  syntheticTestSet,
  syntheticTrainingSet,
} from '../data/index.js';
import type {
  DecodingProgress,
  DownloadProgress,
  FileSource,
  OpenedSource,
  Reading,
  SourceOptions,
} from '../data/index.js';
import { cacheFolder as userCacheFolder } from '../engine/index.js';
import { commandLine } from '../foundation/commandLine.js';
import { LockstepError } from '../foundation/errors.js';
import { advice, OptionError, quoted } from '../foundation/options/optionError.js';
import type { Remedy, Sentence } from '../foundation/options/optionError.js';

/** The test set is opened by whoever may look at it, and by nobody else. */
export interface OpenedDataset extends OpenedSource {
  readonly name: string;
  /** How its files became images, where that is known and not as usual. */
  readonly reading?: Partial<Reading> | undefined;
}

export interface OpenDatasetOptions {
  /** `cifar10`, `folder`, `auto`, or what a program called its own data. */
  readonly requested: string;
  readonly reading: Reading;
  /** Where decoded pictures are kept; undefined: in the user's own cache folder. */
  readonly cacheFolder: string | undefined;
  readonly dataDir: string;
  /** The environment variable that names it, if one does. */
  readonly dataDirSource: string | undefined;
  /** Whether the run may still be given other data: one that is resumed may not. */
  readonly isNewRun: boolean;
  /** Whether the test set will be asked for in the end: then it must be there now. */
  readonly test: boolean;
  readonly signal: AbortSignal;
  /** The proxy to an address, if one is to be used. */
  readonly proxyFor: ((url: URL) => URL | undefined) | undefined;
  readonly onProgress: (progress: DownloadProgress) => void;
  readonly onDecoding: (progress: DecodingProgress) => void;
  /** Something that nobody may miss. */
  readonly onNotice: (message: Sentence) => void;
}

/** @throws LockstepError E_DATA_MISSING or E_DATA_CORRUPT if CIFAR-10 is asked for and is not there, or is damaged */
export async function openDataset(options: OpenDatasetOptions): Promise<OpenedDataset> {
  const { requested, dataDir, dataDirSource, test, isNewRun } = options;
  if (requested === 'cifar10') {
    if (test) await refuseWithoutTestSet(dataDir);
    return openCifar10(dataDir).catch((error: unknown) => {
      throw orElsewhere(error, dataDirSource, isNewRun ? [WITHOUT_IT] : []);
    });
  }
  if (requested === 'synthetic') return openSynthetic();
  if (isFileSource(requested)) return openFiles(requested, options);
  if (requested !== 'auto') throw ofAProgram(requested);
  // Any part of CIFAR-10 is meant to be used: if it is damaged or incomplete, say so rather than train on something else.
  if (await holdsCifar10(dataDir)) return openCifar10(dataDir);
  return (await fetchCifar10(options)) ? openCifar10(dataDir) : openSynthetic();
}

async function openFiles(name: FileSource, options: OpenDatasetOptions): Promise<OpenedDataset> {
  const { test, dataDirSource, isNewRun, onNotice } = options;
  const source = sourceOptions({ ...options, onNotice: (message) => onNotice([message]) });
  try {
    const opened = await openSource(name, source);
    if (test) {
      // Names the place for test images, where there are none.
      await checkTestSource(name, source).catch((error: unknown) => {
        throw opened.openTest === undefined ? withoutTestSet(error) : error;
      });
    }
    return { name, ...opened };
  } catch (error) {
    throw name === 'folder' && isNewRun ? error : orElsewhere(error, dataDirSource);
  }
}

function withoutTestSet(error: unknown): unknown {
  if (!(error instanceof LockstepError) || error.code !== 'E_DATA_MISSING') return error;
  return new OptionError(
    [{ option: 'test', value: true }, ' needs test images: ', quoted(error)],
    [advice('or in a new run leave ', { option: 'test', value: true }, ' out')],
    error.code,
    { cause: error },
  );
}

/** @throws LockstepError E_IO for a user who has no cache folder */
export function sourceOptions(
  options: Pick<OpenDatasetOptions, 'dataDir' | 'reading'> & {
    readonly cacheFolder?: string | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onDecoding?: OpenDatasetOptions['onDecoding'] | undefined;
    readonly onNotice?: ((message: string) => void) | undefined;
  },
): SourceOptions {
  const { dataDir, reading, cacheFolder = userCacheFolder(), signal, onDecoding, onNotice } = options;
  if (cacheFolder === undefined) {
    throw new LockstepError(
      'E_IO',
      'there is no folder to keep decoded pictures in, for this user has no home; name one in LOCKSTEP_CACHE_DIR',
    );
  }
  const { coarseLabels, imageSize, channels, badImages } = reading;
  return {
    ...{ coarseLabels, imageSize, channels, badImages },
    dataDir: path.resolve(dataDir),
    cacheFolder,
    signal,
    onProgress: onDecoding,
    onNotice,
  };
}

/** Data that only the program has which began the run. */
export function ofAProgram(dataset: string): LockstepError {
  return new LockstepError(
    'E_DATA_MISSING',
    `the data set ${dataset} is none of Lockstep's own: a program brought it; run that program, which passes the same data to the library`,
  );
}

/**
 * @param dataDirSource the variable that names the folder, if one does
 * @param otherWay another remedy, which only a new run has
 */
export function orElsewhere(
  error: unknown,
  dataDirSource: string | undefined,
  otherWays: readonly Remedy[] = [],
): unknown {
  if (!(error instanceof LockstepError) || error.code !== 'E_DATA_MISSING') return error;
  const source = dataDirSource === undefined ? '' : ` (${dataDirSource} names this one)`;
  const remedy = advice('or name the folder that holds it with ', { option: 'dataDir' }, source);
  return new OptionError([quoted(error)], [remedy, ...otherWays], error.code, { cause: error });
}

const WITHOUT_IT = advice('train without it: ', { option: 'dataset', value: 'synthetic' });

async function holdsCifar10(dataDir: string): Promise<boolean> {
  try {
    await findCifar10(dataDir);
    return true;
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_DATA_MISSING') return false;
    throw error;
  }
}

/** Checked before training, so that hours are not lost. Looks at names and sizes only. */
async function refuseWithoutTestSet(dataDir: string): Promise<void> {
  if (await locateCifar10([dataDir])) return;
  throw new OptionError(
    [
      { option: 'test', value: true },
      ` needs the test batch beside the five training batches, and ${dataDir} is not complete`,
    ],
    [
      advice(`see ${commandLine('data', 'verify', { dataDir })}`),
      advice('in a new run leave ', { option: 'test', value: true }, ' out'),
    ],
    'E_DATA_MISSING',
  );
}

async function openCifar10(dataDir: string): Promise<OpenedDataset> {
  const training = await loadCifar10(dataDir);
  const hasTest = (await locateCifar10([dataDir])) !== undefined;
  return { name: 'cifar10', training, ...(hasTest && { openTest: () => loadCifar10Test(dataDir) }) };
}

function openSynthetic(): OpenedDataset {
  return {
    name: 'synthetic',
    training: syntheticTrainingSet(),
    openTest: () => Promise.resolve(syntheticTestSet()),
  };
}

/** @returns whether CIFAR-10 is there now */
async function fetchCifar10(options: OpenDatasetOptions): Promise<boolean> {
  const { dataDir, proxyFor, signal, onProgress, onNotice } = options;
  try {
    await downloadCifar10({ dataDir, ...(proxyFor && { proxyFor }), signal, onProgress });
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof LockstepError)) throw error;
    onNotice([
      `CIFAR-10 IS NOT HERE: training on SYNTHETIC images instead. (not in ${dataDir}; `,
      quoted(error),
      ') Accuracies of this run say nothing about CIFAR-10.',
    ]);
    return false;
  }
}
