/**
 * CIFAR-10 on disk (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009): six batches of
 * 10,000 images, as the official binary files or as the Python pickles that torchvision downloads.
 */

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { commandLine } from '../foundation/commandLine.js';
import { LockstepError } from '../foundation/errors.js';
import { refuseFile } from './dataFolder.js';
import { imageByteCount } from './imageSet.js';
import type { ImageFormat } from './imageSet.js';

const CIFAR10_CLASS_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const;

export const CIFAR10_FORMAT: ImageFormat = {
  imageShape: { height: 32, width: 32, channels: 3 },
  classNames: CIFAR10_CLASS_NAMES,
};
export const IMAGE_BYTE_COUNT = imageByteCount(CIFAR10_FORMAT.imageShape);

export const RECORDS_PER_BATCH = 10_000;
/** One label byte, then 1,024 bytes each of red, green and blue. */
export const RECORD_BYTE_COUNT = 1 + IMAGE_BYTE_COUNT;
export const BINARY_BATCH_BYTE_COUNT = RECORDS_PER_BATCH * RECORD_BYTE_COUNT;
export const BINARY_FOLDER = 'cifar-10-batches-bin';
export const PYTHON_FOLDER = 'cifar-10-batches-py';

export type Cifar10Layout = 'binary' | 'python';

interface SizeLimits {
  readonly least: number;
  readonly most: number;
}

/**
 * How large a batch file can be. A pickle holds the pixels, labels and file names, as bytes or as Latin-1 text in
 * UTF-8, which at most doubles the size. A file of another size is refused before it is read.
 */
const BATCH_SIZES: Readonly<Record<Cifar10Layout, SizeLimits>> = {
  binary: { least: BINARY_BATCH_BYTE_COUNT, most: BINARY_BATCH_BYTE_COUNT },
  python: { least: RECORDS_PER_BATCH * IMAGE_BYTE_COUNT, most: 64 << 20 },
};

/** @returns the rule, if `byteCount` breaks it */
export function wrongSizeOf(layout: Cifar10Layout, byteCount: number): string | undefined {
  const { least, most } = BATCH_SIZES[layout];
  if (byteCount >= least && byteCount <= most) return undefined;
  return layout === 'binary'
    ? `${RECORDS_PER_BATCH} records of ${RECORD_BYTE_COUNT} bytes are ${BINARY_BATCH_BYTE_COUNT}`
    : `a pickled batch has ${least} to ${most}; if it is shorter, it is truncated`;
}

/** One batch of a layout, with the checksum of the published file if one is known. */
export interface BatchFile {
  readonly fileName: string;
  readonly part: 'training' | 'test';
  readonly checksum?: { readonly algorithm: 'md5' | 'sha1'; readonly hex: string };
}

/** The training batches come first, in order: sample i of the set is record i % 10,000 of batch i / 10,000. */
export const BATCH_FILES: Readonly<Record<Cifar10Layout, readonly BatchFile[]>> = {
  binary: [
    training('data_batch_1.bin', 'sha1', 'aadd24acce27caa71bf4b10992e9e7b2d74c2540'),
    training('data_batch_2.bin', 'sha1', 'c0ba65cce70568cd57b4e03e9ac8d2a5367c1795'),
    training('data_batch_3.bin', 'sha1', '1dd00a74ab1d17a6e7d73e185b69dbf31242f295'),
    training('data_batch_4.bin', 'sha1', 'aab85764eb3584312d3c7f65fd2fd016e36a258e'),
    training('data_batch_5.bin', 'sha1', '26e2849e66a845b7f1e4614ae70f4889ae604628'),
    { fileName: 'test_batch.bin', part: 'test' },
  ],
  // The checksums in torchvision.datasets.CIFAR10.
  python: [
    training('data_batch_1', 'md5', 'c99cafc152244af753f735de768cd75f'),
    training('data_batch_2', 'md5', 'd4bba439e000b95fd0a9bffe97cbabec'),
    training('data_batch_3', 'md5', '54ebc095f3ab1f0389bbae665268c751'),
    training('data_batch_4', 'md5', '634d18415352ddfa80567beed471001a'),
    training('data_batch_5', 'md5', '482c414d41f54cd18b22e5b47cb7c3cb'),
    {
      fileName: 'test_batch',
      part: 'test',
      checksum: { algorithm: 'md5', hex: '40351d587109b95175f43aff81a1287e' },
    },
  ],
};

function training(fileName: string, algorithm: 'md5' | 'sha1', hex: string): BatchFile {
  return { fileName, part: 'training', checksum: { algorithm, hex } };
}

/** A folder that holds batches of one layout. */
export interface Cifar10Location {
  readonly folder: string;
  readonly layout: Cifar10Layout;
}

interface Candidate extends Cifar10Location {
  /** One for each batch that exists, half if its size is wrong. */
  readonly score: number;
}

/**
 * Finds the batches in a folder or in its `cifar-10-batches-bin` or `cifar-10-batches-py`. The most
 * complete folder wins; if both are complete, the binary one. No file is opened.
 * @throws LockstepError E_DATA_MISSING if there is not a single batch.
 */
export async function findCifar10(dataDir: string): Promise<Cifar10Location> {
  const candidates = await candidatesIn(dataDir);
  const best = candidates.reduce((a, b) => (b.score > a.score ? b : a));
  if (best.score > 0) return { folder: best.folder, layout: best.layout };
  await refuseFile(dataDir);
  throw new LockstepError(
    'E_DATA_MISSING',
    `no CIFAR-10 in ${dataDir}: it must be or contain ${BINARY_FOLDER} (data_batch_1.bin …) or ${PYTHON_FOLDER} ` +
      `(data_batch_1 …); ${downloadRemedy(dataDir)}`,
  );
}

/**
 * The first of the candidate folders that holds all six batches, for `--dataset auto`. Looks at names and sizes only.
 * @returns undefined if none does
 */
export async function locateCifar10(candidates: readonly string[]): Promise<Cifar10Location | undefined> {
  for (const dataDir of candidates) {
    const complete = (await candidatesIn(dataDir)).find(
      ({ layout, score }) => score === BATCH_FILES[layout].length,
    );
    if (complete !== undefined) return { folder: complete.folder, layout: complete.layout };
  }
  return undefined;
}

async function candidatesIn(dataDir: string): Promise<readonly [Candidate, ...Candidate[]]> {
  return [
    await inspect(dataDir, 'binary'),
    await inspect(join(dataDir, BINARY_FOLDER), 'binary'),
    await inspect(dataDir, 'python'),
    await inspect(join(dataDir, PYTHON_FOLDER), 'python'),
  ];
}

async function inspect(folder: string, layout: Cifar10Layout): Promise<Candidate> {
  const scores = await Promise.all(
    BATCH_FILES[layout].map(async ({ fileName }) => {
      try {
        const found = await stat(join(folder, fileName));
        return found.isFile() && wrongSizeOf(layout, found.size) === undefined ? 1 : 0.5;
      } catch {
        return 0; // missing or unreadable: the loader reports which
      }
    }),
  );
  return { folder, layout, score: scores.reduce((sum: number, score) => sum + score, 0) };
}

/** The remedy for a missing or wrong file. */
export function downloadRemedy(dataDir: string): string {
  const inside = [BINARY_FOLDER, PYTHON_FOLDER].includes(basename(dataDir));
  const place = inside ? join(dataDir, '..') : dataDir;
  return `fetch it with: ${commandLine('data', 'download', { dataDir: place })}`;
}
