/**
 * Loads CIFAR-100 from its binary files or from the Python pickles that torchvision downloads: one file for training and one
 * for testing, each image with one of 100 classes and one of 20 superclasses.
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '../foundation/errors.js';
import { CIFAR100_COARSE_NAMES, CIFAR100_FINE_NAMES } from './cifar100Names.js';
import { refuseFile } from './dataFolder.js';
import { imageByteCount } from './imageSet.js';
import type { ImageFormat, ImageSet } from './imageSet.js';
import { PLANAR_SHAPE, PlanarSet } from './planarSet.js';
import type { PlanarBatch } from './planarSet.js';
import { readPythonBatch } from './pythonBatch.js';
import { readDataFile } from './regularFile.js';

export interface Cifar100Options {
  /** A folder that is or contains `cifar-100-binary` or `cifar-100-python`. */
  readonly dataDir: string;
  /** Whether the 20 superclasses are the labels. */
  readonly coarseLabels: boolean;
}

export type Cifar100Part = 'training' | 'test';

interface Cifar100File {
  readonly path: string;
  readonly layout: 'binary' | 'python';
}

const FOLDERS = { binary: 'cifar-100-binary', python: 'cifar-100-python' } as const;
const NAMES = {
  binary: { training: 'train.bin', test: 'test.bin' },
  python: { training: 'train', test: 'test' },
} as const;
const RECORDS = { training: 50_000, test: 10_000 } as const;
const IMAGE_BYTES = imageByteCount(PLANAR_SHAPE);
/** The superclass, the class, then 1,024 bytes each of red, green and blue. */
const RECORD_BYTES = 2 + IMAGE_BYTES;
/** A pickle holds file names, too; pixels as Latin-1 text in UTF-8 take up to twice the space. */
const LARGEST_PICKLE_FACTOR = 2.5;

export function cifar100Format(coarseLabels: boolean): ImageFormat {
  return {
    imageShape: PLANAR_SHAPE,
    classNames: coarseLabels ? CIFAR100_COARSE_NAMES : CIFAR100_FINE_NAMES,
  };
}

/** @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file */
export async function loadCifar100(options: Cifar100Options, part: Cifar100Part): Promise<ImageSet> {
  const file = await findCifar100(options.dataDir, part);
  const bytes = await readFileOf(file, part);
  const { classNames } = cifar100Format(options.coarseLabels);
  const batch =
    file.layout === 'binary' ? binaryBatch(bytes, options) : pythonBatch(bytes, file.path, part, options);
  batch.labels.forEach((label, record) => {
    if (label < classNames.length) return;
    throw corrupt(
      file.path,
      `record ${record} has label ${label}, but labels go from 0 to ${classNames.length - 1}`,
    );
  });
  return new PlanarSet('cifar100', classNames, [batch]);
}

/** The binary files are preferred. @throws LockstepError E_DATA_MISSING */
export async function findCifar100(dataDir: string, part: Cifar100Part): Promise<Cifar100File> {
  for (const layout of ['binary', 'python'] as const) {
    for (const folder of [dataDir, join(dataDir, FOLDERS[layout])]) {
      const path = join(folder, NAMES[layout][part]);
      const isFile = await stat(path).then(
        (found) => found.isFile(),
        () => false,
      );
      if (isFile) return { path, layout };
    }
  }
  await refuseFile(dataDir);
  throw new LockstepError(
    'E_DATA_MISSING',
    `no ${part} images of CIFAR-100 in ${dataDir}: it must be or contain ${FOLDERS.binary} (train.bin, test.bin) or ` +
      `${FOLDERS.python} (train, test); ${remedy()}`,
  );
}

async function readFileOf({ path, layout }: Cifar100File, part: Cifar100Part): Promise<Uint8Array> {
  const records = RECORDS[part];
  const [least, most] =
    layout === 'binary'
      ? [records * RECORD_BYTES, records * RECORD_BYTES]
      : [records * IMAGE_BYTES, records * IMAGE_BYTES * LARGEST_PICKLE_FACTOR];
  return readDataFile(path, (byteCount) => {
    if (byteCount >= least && byteCount <= most) return;
    const rule =
      layout === 'binary'
        ? `${records} records of ${RECORD_BYTES} bytes are ${least}`
        : `a pickle of ${records} images has ${least} to ${most}`;
    throw corrupt(path, `it has ${byteCount} bytes, but ${rule}`);
  });
}

/** @param bytes of the right number */
function binaryBatch(bytes: Uint8Array, { coarseLabels }: Cifar100Options): PlanarBatch {
  const place = coarseLabels ? 0 : 1;
  const labels = Uint8Array.from(
    { length: bytes.length / RECORD_BYTES },
    (_, record) => bytes[record * RECORD_BYTES + place]!,
  );
  return { labels, bytes, start: 2, stride: RECORD_BYTES };
}

function pythonBatch(
  bytes: Uint8Array,
  path: string,
  part: Cifar100Part,
  { coarseLabels }: Cifar100Options,
): PlanarBatch {
  return readPythonBatch(bytes, path, {
    recordCount: RECORDS[part],
    labels: coarseLabels ? 'coarse_labels' : 'fine_labels',
    set: 'CIFAR-100',
    binaryRemedy: remedy,
  });
}

function corrupt(path: string, problem: string): LockstepError {
  return new LockstepError('E_DATA_CORRUPT', `${path}: ${problem}; move it away, and ${remedy()}`);
}

function remedy(): string {
  return 'unpack https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz there';
}
