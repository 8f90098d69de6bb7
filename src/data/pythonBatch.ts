/** One batch of torchvision's `cifar-10-batches-py`: a pickled dict with `data` (10000, 3072) and `labels` (10000). */

import { commandLine } from '../foundation/commandLine.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { IMAGE_BYTE_COUNT, RECORDS_PER_BATCH } from './cifar10Layout.js';
import type { PlanarBatch } from './cifar10Layout.js';
import { readPickle } from './pickle.js';
import type { PickledArray, PickleValue } from './pickleValues.js';

/** @throws LockstepError E_DATA_CORRUPT, naming the file. */
export function readPythonBatch(bytes: Uint8Array, path: string): PlanarBatch {
  const dict = readDict(bytes, path);
  const data = dict.get('data');
  const labels = dict.get('labels');
  if (!isArray(data) || !Array.isArray(labels)) {
    throw corrupt(path, "must be a dict with a numpy array 'data' and a list 'labels'");
  }
  const byteCount = RECORDS_PER_BATCH * IMAGE_BYTE_COUNT;
  const isShapeRight = data.shape.join() === `${RECORDS_PER_BATCH},${IMAGE_BYTE_COUNT}`;
  if (!isShapeRight || data.bytes.length !== byteCount) {
    throw corrupt(
      path,
      `has data of shape (${data.shape.join(', ')}) and ${data.bytes.length} bytes, but it must be ` +
        `(${RECORDS_PER_BATCH}, ${IMAGE_BYTE_COUNT}) and ${byteCount}`,
    );
  }
  if (labels.length !== RECORDS_PER_BATCH) {
    throw corrupt(path, `has ${labels.length} labels, but it must have ${RECORDS_PER_BATCH}`);
  }
  return { labels: labelBytes(labels, path), bytes: data.bytes, start: 0, stride: IMAGE_BYTE_COUNT };
}

function readDict(bytes: Uint8Array, path: string): Map<string, PickleValue> {
  let value: PickleValue;
  try {
    value = readPickle(bytes);
  } catch (error) {
    throw corrupt(path, `cannot be read as a pickle of CIFAR-10: ${describeError(error)}`);
  }
  if (value instanceof Map) return value;
  throw corrupt(path, 'must be a pickled dict');
}

function isArray(value: PickleValue | undefined): value is PickledArray {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'array';
}

/** Only values of another type fail here; the check that all layouts share finds labels that are too large. */
function labelBytes(labels: readonly PickleValue[], path: string): Uint8Array {
  return Uint8Array.from(labels, (label, record) => {
    if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label <= 255) return label;
    throw corrupt(path, `has no label from 0 to 9 at record ${record}`);
  });
}

function corrupt(path: string, problem: string): LockstepError {
  return new LockstepError(
    'E_DATA_CORRUPT',
    `${path} ${problem}; move it away and let torchvision write it again, or use the binary files: ${commandLine('data', 'download')}`,
  );
}
