/** One file of torchvision's CIFAR-10 or CIFAR-100: a pickled dict with `data` (N, 3072) and a list of N labels. */

import { commandLine } from '../foundation/commandLine.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { imageByteCount } from './imageSet.js';
import { PLANAR_SHAPE } from './planarSet.js';
import type { PlanarBatch } from './planarSet.js';
import { readPickle } from './pickle.js';
import type { PickledArray, PickleValue } from './pickleValues.js';

/** What a file must hold. */
export interface PickleForm {
  readonly recordCount: number;
  /** The key of the labels. */
  readonly labels: string;
  readonly set: string;
  readonly binaryRemedy: () => string;
}

export const CIFAR10_PICKLE: PickleForm = {
  recordCount: 10_000,
  labels: 'labels',
  set: 'CIFAR-10',
  binaryRemedy: () => commandLine('data', 'download'),
};

const IMAGE_BYTE_COUNT = imageByteCount(PLANAR_SHAPE);

/** @throws LockstepError E_DATA_CORRUPT, naming the file. */
export function readPythonBatch(bytes: Uint8Array, path: string, form = CIFAR10_PICKLE): PlanarBatch {
  const { recordCount } = form;
  const refuse = (problem: string): LockstepError => corrupt(path, problem, form);
  const dict = readDict(bytes, form, refuse);
  const data = dict.get('data');
  const labels = dict.get(form.labels);
  if (!isArray(data) || !Array.isArray(labels)) {
    throw refuse(`must be a dict with a numpy array 'data' and a list '${form.labels}'`);
  }
  const byteCount = recordCount * IMAGE_BYTE_COUNT;
  const isShapeRight = data.shape.join() === `${recordCount},${IMAGE_BYTE_COUNT}`;
  if (!isShapeRight || data.bytes.length !== byteCount) {
    throw refuse(
      `has data of shape (${data.shape.join(', ')}) and ${data.bytes.length} bytes, but it must be ` +
        `(${recordCount}, ${IMAGE_BYTE_COUNT}) and ${byteCount}`,
    );
  }
  if (labels.length !== recordCount) {
    throw refuse(`has ${labels.length} labels, but it must have ${recordCount}`);
  }
  return { labels: labelBytes(labels, refuse), bytes: data.bytes, start: 0, stride: IMAGE_BYTE_COUNT };
}

type Refusal = (problem: string) => LockstepError;

function readDict(bytes: Uint8Array, { set }: PickleForm, refuse: Refusal): Map<string, PickleValue> {
  let value: PickleValue;
  try {
    value = readPickle(bytes);
  } catch (error) {
    throw refuse(`cannot be read as a pickle of ${set}: ${describeError(error)}`);
  }
  if (value instanceof Map) return value;
  throw refuse('must be a pickled dict');
}

function isArray(value: PickleValue | undefined): value is PickledArray {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'array';
}

/** Only values of another type fail here; the check that all layouts share finds labels that are too large. */
function labelBytes(labels: readonly PickleValue[], refuse: Refusal): Uint8Array {
  return Uint8Array.from(labels, (label, record) => {
    if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label <= 255) return label;
    throw refuse(`has no label from 0 to 255 at record ${record}`);
  });
}

function corrupt(path: string, problem: string, { binaryRemedy }: PickleForm): LockstepError {
  return new LockstepError(
    'E_DATA_CORRUPT',
    `${path} ${problem}; move it away and let torchvision write it again, or use the binary files: ${binaryRemedy()}`,
  );
}
