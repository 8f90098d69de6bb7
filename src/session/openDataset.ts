/** Finds the data that a run asks for; decides what `auto` means here. */

import {
  downloadCifar10,
  findCifar10,
  loadCifar10,
  loadCifar10Test,
  locateCifar10,
  syntheticTestSet,
  syntheticTrainingSet,
} from '../data/index.js';
import type { DownloadProgress, ImageSet } from '../data/index.js';
import { commandLine } from '../foundation/commandLine.js';
import { LockstepError } from '../foundation/errors.js';
import { advice, OptionError, quoted } from '../foundation/options/optionError.js';
import type { Remedy, Sentence } from '../foundation/options/optionError.js';

export interface OpenedDataset {
  readonly name: string;
  readonly training: ImageSet;
  /** Opened by whoever may look at the test set, and by nobody else. */
  readonly openTest?: (() => Promise<ImageSet>) | undefined;
}

export interface OpenDatasetOptions {
  /** `cifar10`, `synthetic`, `auto`, or what a program called its own data. */
  readonly requested: string;
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
  if (requested !== 'auto') throw ofAProgram(requested);
  // Any part of CIFAR-10 is meant to be used: if it is damaged or incomplete, say so rather than train on something else.
  if (await holdsCifar10(dataDir)) return openCifar10(dataDir);
  return (await fetchCifar10(options)) ? openCifar10(dataDir) : openSynthetic();
}

/** Data that only the program has which began the run. */
export function ofAProgram(dataset: string): LockstepError {
  return new LockstepError(
    'E_DATA_MISSING',
    `the data set ${dataset} is neither cifar10 nor synthetic: a program brought it; run that program, which passes the same data to the library`,
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
  return { name: 'cifar10', training: await loadCifar10(dataDir), openTest: () => loadCifar10Test(dataDir) };
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
