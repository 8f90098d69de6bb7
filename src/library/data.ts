/** Where a run's images come from. */

import path from 'node:path';
import { DATASET_NAME, READING_OPTIONS } from '../coordinator/index.js';
import {
  arrayImageSet,
  DATASET_NAMES,
  loadCifar10 as loadTraining,
  loadCifar10Test,
  openSource,
  syntheticTestSet,
  syntheticTrainingSet,
  USUAL_READING,
} from '../data/index.js';
import type {
  DecodingProgress,
  FileSource,
  ImageFormat,
  ImageSet,
  ImageShape,
  LabelledImages,
  Reading,
} from '../data/index.js';
import { CLASS_NAME, CLASS_NAME_RULE } from '../foundation/className.js';
import { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import { printableJson } from '../foundation/printable.js';
import { USUAL_PURPOSE } from '../model/index.js';
import { checkValue, sourceOptions } from '../session/index.js';
import type { OpenedDataset } from '../session/index.js';
import { checkPath, refuseUnknown, refuseUnknownKeys } from './checks.js';
import { asLibraryErrors } from './errors.js';

/** Labelled images for training, and perhaps a test set that only an evaluation opens. */
export interface DataSource {
  /** Stands in the recipe: a resumed run must be given data of the same name. */
  readonly name: string;
  readonly training: ImageSet;
  readonly openTest?: (() => Promise<ImageSet>) | undefined;
  /** The last so many images of `training` are for validation; left out: the seed chooses them. */
  readonly validationCount?: number | undefined;
  /** How files became images, for the recipe. */
  readonly reading?: Partial<Reading> | undefined;
  /** The folder that they came from. The run keeps it, and finds its data there when it is resumed or evaluated. */
  readonly dataDir?: string | undefined;
}

/** Images of your own, in memory. */
export interface OwnData {
  /** A short word: letters, digits, `.`, `_` and `-`; other than those of Lockstep's own data sets and `auto`. */
  readonly name: string;
  /** Left out: 32×32 pixels of three channels. */
  readonly imageShape?: ImageShape | undefined;
  /** One for each class, by label; if left out, numbers up to the highest label in training. */
  readonly classNames?: readonly string[] | undefined;
  readonly training: LabelledImages;
  readonly test?: LabelledImages | undefined;
}

/**
 * CIFAR-10 from a folder that is or contains `cifar-10-batches-bin` or `cifar-10-batches-py`. The test set is read when
 * an evaluation asks for it, not before.
 * @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file
 */
export function loadCifar10(dataDir: string): Promise<DataSource> {
  return asLibraryErrors(async () => {
    checkPath('dataDir', dataDir);
    const folder = path.resolve(dataDir); // the program may change its current folder later
    return {
      name: 'cifar10',
      training: await loadTraining(folder),
      openTest: () => loadCifar10Test(folder),
      dataDir: folder,
    };
  });
}

/** What becomes of the files of a folder. */
export interface FolderReading {
  /** Height and width of the images, 8 to 224; default 32. Other pictures are cut to a square and resized. */
  readonly imageSize?: number | undefined;
  /** Default: colour, three channels. */
  readonly channels?: Reading['channels'] | undefined;
  /** Pictures that cannot be used are an error that names them (the default), or are skipped with a notice. */
  readonly badImages?: Reading['badImages'] | undefined;
  /** Where decoded pictures are kept; default: the user's own cache folder. */
  readonly cacheDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DecodingProgress) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const FOLDER_KEYS = ['imageSize', 'channels', 'badImages', 'cacheDir', 'signal', 'onProgress', 'onNotice'];

/**
 * PNG, JPEG and WebP files, one folder a class, perhaps within `train`, `val` and `test` (docs/data.md). They are decoded
 * once; later calls read what was kept.
 * @throws LockstepError E_DATA_MISSING or E_DATA_CORRUPT for a folder or files that cannot be used, E_IO, E_SETUP
 */
export function loadFolder(dir: string, reading: FolderReading = {}): Promise<DataSource> {
  return asLibraryErrors(() => {
    checkPath('dir', dir);
    refuseUnknown(reading, FOLDER_KEYS);
    const { imageSize = USUAL_READING.imageSize, channels = USUAL_READING.channels } = reading;
    const { badImages = USUAL_READING.badImages, cacheDir: cacheFolder } = reading;
    for (const [key, value] of Object.entries({ imageSize, channels, badImages })) {
      const { kind, example } = READING_OPTIONS[key as keyof typeof READING_OPTIONS];
      checkValue(key, value, kind, example);
    }
    return openFiles('folder', dir, { ...reading, cacheFolder }, { imageSize, channels, badImages });
  });
}

/**
 * CIFAR-100 from a folder that is or contains `cifar-100-binary` or `cifar-100-python`.
 * @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file
 */
export function loadCifar100(
  dataDir: string,
  options: { readonly coarseLabels?: boolean | undefined } = {},
): Promise<DataSource> {
  return asLibraryErrors(() => {
    checkPath('dataDir', dataDir);
    refuseUnknown(options, ['coarseLabels']);
    const { coarseLabels = false } = options;
    checkValue('coarseLabels', coarseLabels, READING_OPTIONS.coarseLabels.kind, 'true');
    return openFiles('cifar100', dataDir, {}, { coarseLabels });
  });
}

/**
 * A set in MNIST's format: `train-images-idx3-ubyte` and the others, with or without `.gz`.
 * @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file
 */
export function loadIdx(dir: string): Promise<DataSource> {
  return asLibraryErrors(() => {
    checkPath('dir', dir);
    return openFiles('idx', dir, {}, {});
  });
}

async function openFiles(
  name: FileSource,
  dir: string,
  {
    cacheFolder,
    signal,
    onProgress,
    onNotice,
  }: Omit<FolderReading, 'cacheDir'> & { cacheFolder?: string | undefined },
  reading: Partial<Reading>,
): Promise<DataSource> {
  const dataDir = path.resolve(dir); // the program may change its current folder later
  const options = sourceOptions({
    ...{ dataDir, cacheFolder, signal, onNotice },
    reading: { ...USUAL_READING, ...reading },
    onDecoding: onProgress,
  });
  return { name, ...(await openSource(name, options)), reading, dataDir };
}

/** Drawn images of ten shapes: 50,000 for training and 10,000 for testing. Needs no files and no network. */
export function syntheticData(): DataSource {
  return {
    name: 'synthetic',
    training: syntheticTrainingSet(),
    openTest: () => Promise.resolve(syntheticTestSet()),
  };
}

const LONGEST_NAME_SHOWN = 120;
const RESERVED: ReadonlySet<string> = new Set([...DATASET_NAMES, 'auto']);

/** Where the data lie, if they have a folder. Whatever a program without types gives is looked at later. */
export function folderOf(data: DataSource | OwnData | undefined): string | undefined {
  const { dataDir } = (data ?? {}) as Partial<DataSource>;
  return typeof dataDir === 'string' && dataDir !== '' ? dataDir : undefined;
}

/** @throws LockstepError E_OPTION for images that cannot be used */
export function openData(data: DataSource | OwnData): OpenedDataset {
  refuseShapeless(data);
  if (!isOwn(data)) {
    refuseUnknownKeys('data', data, [
      'name',
      'training',
      'openTest',
      'validationCount',
      'reading',
      'dataDir',
    ]);
    checkValidationCount(data);
    return data;
  }
  const { name, training, test } = data;
  if (!DATASET_NAME.test(name) || RESERVED.has(name)) {
    throw new LockstepError(
      'E_OPTION',
      `the name of the data, ${JSON.stringify(name)}, must be a word of letters, digits, ".", "_" and "-", other than ${[...RESERVED].join(', ')}; for example "flowers"`,
    );
  }
  refuseUnknownKeys('data', data, ['name', 'imageShape', 'classNames', 'training', 'test']);
  checkImages('data.training', training);
  if (test !== undefined) checkImages('data.test', test);
  const format = formatOf(data);
  const trainingSet = arrayImageSet(name, training, format);
  const testSet = test && arrayImageSet(name, test, format); // what is wrong with it is said before training
  return {
    name,
    training: trainingSet,
    openTest: testSet && (() => Promise.resolve(testSet)),
  };
}

function checkValidationCount({ training, validationCount }: DataSource): void {
  if (validationCount === undefined) return;
  const max = training.sampleCount - 1;
  checkValue('data.validationCount', validationCount, { kind: 'integer', min: 1, max }, '1');
}

/** Other arrays would be taken byte by byte, or rounded without a word. */
function checkImages(what: string, images: unknown): void {
  if (!isRecord(images)) {
    throw new LockstepError('E_OPTION', `${what} must be { pixels, labels }, each a Uint8Array`);
  }
  refuseUnknownKeys(what, images, ['pixels', 'labels']);
  for (const key of ['pixels', 'labels']) {
    const values = images[key];
    if (values instanceof Uint8Array) continue;
    throw new LockstepError(
      'E_OPTION',
      `${what}.${key} must be a Uint8Array, and is ${typeName(values)}; give whole numbers from 0 to 255, such as Uint8Array.from(${key})`,
    );
  }
}

function typeName(value: unknown): string {
  if (value === null || typeof value !== 'object')
    return value === undefined ? 'missing' : `a ${typeof value}`;
  return `a ${Object.prototype.toString.call(value).slice('[object '.length, -1)}`;
}

function checkClassNames(classNames: unknown): void {
  const isList = Array.isArray(classNames) && classNames.every((name) => typeof name === 'string');
  if (!isList) {
    throw new LockstepError(
      'E_OPTION',
      'data.classNames must be a list of texts, one for each class; leave it out for numbers',
    );
  }
  const unfit = classNames.find((name) => !CLASS_NAME.test(name));
  if (unfit !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `data.classNames must each have ${CLASS_NAME_RULE}, and ${printableJson(unfit.slice(0, LONGEST_NAME_SHOWN))} has not; call that class something else`,
    );
  }
  const twice = classNames.find((name, label) => classNames.indexOf(name) < label);
  if (twice === undefined) return;
  throw new LockstepError(
    'E_OPTION',
    `data.classNames must differ, and ${JSON.stringify(twice)} stands there twice; call one of the classes something else`,
  );
}

function formatOf({ imageShape = USUAL_PURPOSE.inputShape, classNames, training }: OwnData): ImageFormat {
  if (classNames !== undefined) checkClassNames(classNames);
  const highest = training.labels.reduce((most, label) => Math.max(most, label), 0);
  return { imageShape, classNames: classNames ?? numbersUpTo(highest) };
}

function numbersUpTo(highest: number): readonly string[] {
  return Array.from({ length: highest + 1 }, (_, label) => String(label));
}

/** What a program without types may give. */
function refuseShapeless(data: Partial<DataSource | OwnData> | null): void {
  const { name, training } = data ?? {};
  if (typeof name === 'string' && typeof training === 'object' && (training as unknown) !== null) return;
  throw new LockstepError(
    'E_OPTION',
    'data must have a name and training images; for example syntheticData(), or { name, training: { pixels, labels } }',
  );
}

function isOwn(data: DataSource | OwnData): data is OwnData {
  return !('read' in data.training);
}
