/** Loads CIFAR-10 from its files. Training and test set are separate functions: training never opens the test file. */

import { join } from 'node:path';
import { LockstepError } from '../foundation/errors.js';
import {
  BATCH_FILES,
  CIFAR10_FORMAT,
  downloadRemedy,
  findCifar10,
  RECORD_BYTE_COUNT,
  RECORDS_PER_BATCH,
  wrongSizeOf,
} from './cifar10Layout.js';
import type { BatchFile, Cifar10Location } from './cifar10Layout.js';
import type { ImageSet } from './imageSet.js';
import { PlanarSet } from './planarSet.js';
import type { PlanarBatch } from './planarSet.js';
import { readPythonBatch } from './pythonBatch.js';
import { readDataFile } from './regularFile.js';

/**
 * The 50,000 training images of a folder that is or contains `cifar-10-batches-bin` or `cifar-10-batches-py`.
 * @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file.
 */
export async function loadCifar10(dataDir: string): Promise<ImageSet> {
  return loadPart(dataDir, 'training');
}

/**
 * The 10,000 test images. For the final evaluation only; no choice may depend on them.
 * @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file.
 */
export async function loadCifar10Test(dataDir: string): Promise<ImageSet> {
  return loadPart(dataDir, 'test');
}

async function loadPart(dataDir: string, part: BatchFile['part']): Promise<ImageSet> {
  const location = await findCifar10(dataDir);
  const batches: PlanarBatch[] = [];
  for (const file of BATCH_FILES[location.layout]) {
    if (file.part === part) batches.push(await loadBatch(location, file.fileName));
  }
  return new PlanarSet('cifar10', CIFAR10_FORMAT.classNames, batches);
}

async function loadBatch(location: Cifar10Location, fileName: string): Promise<PlanarBatch> {
  return parseBatch(location, fileName, await readBatchFile(location, fileName));
}

/**
 * Finds the records in a batch file's bytes, without copying them.
 * @throws LockstepError E_DATA_CORRUPT, naming the file, for a wrong format or label.
 */
export function parseBatch(location: Cifar10Location, fileName: string, bytes: Uint8Array): PlanarBatch {
  const path = join(location.folder, fileName);
  const batch = location.layout === 'binary' ? binaryBatch(bytes) : readPythonBatch(bytes, path);
  const classCount = CIFAR10_FORMAT.classNames.length;
  batch.labels.forEach((label, record) => {
    if (label < classCount) return;
    throw new LockstepError(
      'E_DATA_CORRUPT',
      `${path}: record ${record} has label ${label}, but labels go from 0 to ${classCount - 1}; move the file away ` +
        `and ${downloadRemedy(location.folder)}`,
    );
  });
  return batch;
}

/** @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT for a wrong size, or E_IO, naming the file. */
export async function readBatchFile(
  { folder, layout }: Cifar10Location,
  fileName: string,
): Promise<Uint8Array> {
  const path = join(folder, fileName);
  return readDataFile(
    path,
    (byteCount) => {
      const expected = wrongSizeOf(layout, byteCount);
      if (expected === undefined) return;
      throw new LockstepError(
        'E_DATA_CORRUPT',
        `${path} has ${byteCount} bytes, but ${expected}; move it away and ${downloadRemedy(folder)}`,
      );
    },
    () =>
      new LockstepError(
        'E_DATA_MISSING',
        `${path} is missing; CIFAR-10 needs all its batches; ${downloadRemedy(folder)}`,
      ),
  );
}

/** @param bytes of the right number */
function binaryBatch(bytes: Uint8Array): PlanarBatch {
  const labels = Uint8Array.from(
    { length: RECORDS_PER_BATCH },
    (_, record) => bytes[record * RECORD_BYTE_COUNT]!,
  );
  return { labels, bytes, start: 1, stride: RECORD_BYTE_COUNT };
}
