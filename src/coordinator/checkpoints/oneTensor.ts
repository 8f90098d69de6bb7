/** Reads one tensor out of a checkpoint without reading the rest, which may have hundreds of megabytes. */

import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import { bytesAt, withFileHeader } from './fileHeader.js';
import { extentsOf } from './safetensors.js';
import type { NamedTensor } from './safetensors.js';

const MOST_TENSOR_BYTES = 1 << 20;

/**
 * The first tensor in the file's order whose name and shape are wanted.
 * @returns undefined if there is none, it is larger than a megabyte, or the file is missing or no checkpoint
 */
export function readOneTensor(
  file: string,
  isWanted: (name: string, shape: readonly number[]) => boolean,
): Promise<NamedTensor | undefined> {
  return withFileHeader(file, async ({ handle, header, dataStart }) => {
    const wanted = extentsOf(header, file).find(({ name, shape }) => isWanted(name, shape));
    if (!wanted || wanted.end - wanted.begin > MOST_TENSOR_BYTES) return undefined;
    const { name, shape, begin, end } = wanted;
    const bytes = await bytesAt(handle, dataStart + begin, end - begin);
    return { name, shape, values: floatsFromLittleEndian(bytes) };
  });
}
