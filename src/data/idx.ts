/**
 * Loads a data set in the IDX format of MNIST (yann.lecun.com/exdb/mnist): images and labels in a file each, perhaps packed by
 * gzip. Grey images are (N, H, W); a fourth dimension holds the channels.
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { describeError, LockstepError } from '../foundation/errors.js';
import { arrayImageSet } from './arrayImageSet.js';
import { refuseFile } from './dataFolder.js';
import type { ImageSet, ImageShape } from './imageSet.js';
import { readDataFile } from './regularFile.js';

export type IdxPart = 'training' | 'test';

const PREFIXES = { training: 'train', test: 't10k' } as const;
const IMAGE_NAMES = ['images-idx3-ubyte', 'images.idx3-ubyte', 'images-idx4-ubyte', 'images.idx4-ubyte'];
const LABEL_NAMES = ['labels-idx1-ubyte', 'labels.idx1-ubyte'];
const UNSIGNED_BYTE = 8;
/** They are held in memory. */
const LARGEST_BYTES = 2 ** 31 - 1;
const LEAST_SIDE = 1;
const LARGEST_SIDE = 224;

const unpack = promisify(gunzip);

/** An array of bytes. */
interface IdxArray {
  readonly path: string;
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/**
 * The classes are numbers, from 0 to the highest label in the training part.
 * @throws LockstepError E_DATA_MISSING, E_DATA_CORRUPT or E_IO, naming the file
 */
export async function loadIdx(dataDir: string, part: IdxPart): Promise<ImageSet> {
  const { classNames } = await idxClasses(dataDir);
  const labels = await readLabels(dataDir, part);
  const path = await findFile(dataDir, part, IMAGE_NAMES);
  const images = await readIdx(path, [3, 4]);
  const imageShape = shapeOf(images);
  if (images.shape[0] !== labels.values.length) {
    throw corrupt(
      images.path,
      `it has ${images.shape[0]} images, and ${labels.path} has ${labels.values.length} labels`,
    );
  }
  const wrong = labels.values.findIndex((label) => label >= classNames.length);
  if (wrong >= 0) {
    throw corrupt(
      labels.path,
      `label ${labels.values[wrong]} of image ${wrong} does not occur in the training labels, which go to ${classNames.length - 1}`,
    );
  }
  return arrayImageSet('idx', { pixels: images.values, labels: labels.values }, { imageShape, classNames });
}

/** Whether there are files of the part. */
export async function hasIdx(dataDir: string, part: IdxPart): Promise<boolean> {
  return (await existing(dataDir, part, IMAGE_NAMES)) !== undefined;
}

async function idxClasses(dataDir: string): Promise<{ readonly classNames: readonly string[] }> {
  const { path, values } = await readLabels(dataDir, 'training');
  const highest = values.reduce((most, label) => Math.max(most, label), 0);
  if (highest === 0) throw corrupt(path, 'all labels are 0, and a network needs at least two classes');
  return { classNames: Array.from({ length: highest + 1 }, (_, label) => String(label)) };
}

async function readLabels(dataDir: string, part: IdxPart): Promise<IdxArray> {
  const labels = await readIdx(await findFile(dataDir, part, LABEL_NAMES), [1]);
  if (labels.values.length > 0) return labels;
  throw corrupt(labels.path, 'it holds no labels');
}

function shapeOf({ path, shape: [, height = 0, width = 0, channels = 1] }: IdxArray): ImageShape {
  const isRight =
    [height, width].every((side) => side >= LEAST_SIDE && side <= LARGEST_SIDE) && [1, 3].includes(channels);
  if (isRight) return { height, width, channels };
  throw corrupt(
    path,
    `its images are ${height}x${width}x${channels}, but sides go to ${LARGEST_SIDE}, and channels are 1 or 3`,
  );
}

async function existing(
  dataDir: string,
  part: IdxPart,
  names: readonly string[],
): Promise<string | undefined> {
  for (const name of names) {
    for (const ending of ['', '.gz']) {
      const path = join(dataDir, `${PREFIXES[part]}-${name}${ending}`);
      const isFile = await stat(path).then(
        (found) => found.isFile(),
        () => false,
      );
      if (isFile) return path;
    }
  }
  return undefined;
}

async function findFile(dataDir: string, part: IdxPart, names: readonly string[]): Promise<string> {
  const path = await existing(dataDir, part, names);
  if (path !== undefined) return path;
  await refuseFile(dataDir);
  throw new LockstepError(
    'E_DATA_MISSING',
    `no ${PREFIXES[part]}-${names[0]} in ${dataDir}, with or without .gz; name the folder that holds the IDX files of MNIST or of a set like it`,
  );
}

/** @param dimensions allowed numbers of them */
async function readIdx(path: string, dimensions: readonly number[]): Promise<IdxArray> {
  const bytes = await readBytes(path);
  const [zero, alsoZero, type, count] = bytes;
  const isIdx = zero === 0 && alsoZero === 0 && type === UNSIGNED_BYTE && dimensions.includes(count ?? 0);
  const start = 4 + 4 * (count ?? 0);
  if (!isIdx || bytes.length < start) {
    throw corrupt(
      path,
      `it does not begin as an IDX file of bytes with ${dimensions.join(' or ')} dimension${dimensions.at(-1) === 1 ? '' : 's'}`,
    );
  }
  const shape = Array.from({ length: count! }, (_, dimension) => bytes.readUInt32BE(4 + 4 * dimension));
  const expected = start + shape.reduce((product, size) => product * size, 1);
  if (bytes.length === expected) return { path, shape, values: bytes.subarray(start) };
  throw corrupt(
    path,
    `it has ${bytes.length} bytes, but its shape (${shape.join(', ')}) makes ${expected}; if it is shorter, it is truncated`,
  );
}

async function readBytes(path: string): Promise<Buffer> {
  const bytes = await readDataFile(path, (byteCount) => {
    if (byteCount > LARGEST_BYTES)
      throw corrupt(path, `it has ${byteCount} bytes, more than ${LARGEST_BYTES}`);
  });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unpack(bytes, { maxOutputLength: LARGEST_BYTES });
  } catch (error) {
    throw corrupt(path, `gzip cannot unpack it to at most ${LARGEST_BYTES} bytes (${describeError(error)})`);
  }
}

function corrupt(path: string, problem: string): LockstepError {
  return new LockstepError('E_DATA_CORRUPT', `${path}: ${problem}; move it away, and fetch it again`);
}
