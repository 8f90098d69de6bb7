/**
 * The safetensors format (https://github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON
 * header, then raw little-endian tensors. Readable by every common framework; nothing in it is executed.
 */

import { LockstepError } from '../foundation/errors.js';
import { floatsFromLittleEndian, littleEndianBytes } from '../foundation/littleEndian.js';

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface SafetensorsContent {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly NamedTensor[];
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const LENGTH_BYTES = 8;
const ALIGNMENT_BYTES = 8; // the reference writer pads the header with spaces to this
const METADATA_KEY = '__metadata__';

export function encodeSafetensors({ metadata, tensors }: SafetensorsContent): Buffer {
  const header = encodeSafetensorsHeader(metadata, tensors);
  return Buffer.concat([header, ...tensors.map(({ values }) => littleEndianBytes(values))]);
}

/**
 * All that stands before the data, which must follow as the tensors' values, one after another in this order.
 * @param tensors float32, of these shapes
 */
export function encodeSafetensorsHeader(
  metadata: Readonly<Record<string, string>>,
  tensors: readonly Pick<NamedTensor, 'name' | 'shape'>[],
): Buffer {
  const header: Record<string, unknown> = { [METADATA_KEY]: metadata };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + shape.reduce((bytes, size) => bytes * size, Float32Array.BYTES_PER_ELEMENT);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  const headerBytes = Math.ceil(Buffer.byteLength(json) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const bytes = Buffer.alloc(LENGTH_BYTES + headerBytes, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes));
  bytes.write(json, LENGTH_BYTES);
  return bytes;
}

/**
 * @param origin the file's name, for messages
 * @throws LockstepError E_CHECKPOINT if the bytes are not a complete safetensors file of float32 tensors
 */
export function decodeSafetensors(file: Uint8Array, origin: string): SafetensorsContent {
  const damaged = (what: string): LockstepError =>
    new LockstepError('E_CHECKPOINT', `${origin} is not a complete safetensors file: ${what}`);
  if (file.byteLength < LENGTH_BYTES) throw damaged(`only ${file.byteLength} bytes`);
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > file.byteLength) throw damaged('its header is cut off');
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(file.subarray(LENGTH_BYTES, dataStart)).toString('utf8'));
  } catch {
    throw damaged('its header is not JSON');
  }
  if (!isRecord(header)) throw damaged('its header is not an object');
  const tensors: NamedTensor[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA_KEY) continue;
    if (!isHeaderEntry(entry)) throw damaged(`the entry of tensor ${name} is malformed`);
    const [begin, end] = entry.data_offsets;
    const length = entry.shape.reduce((product, size) => product * size, 1);
    if (entry.dtype !== 'F32' || end - begin !== 4 * length || dataStart + end > file.byteLength) {
      throw damaged(`tensor ${name} does not lie within it`);
    }
    const values = floatsFromLittleEndian(file.subarray(dataStart + begin, dataStart + end));
    tensors.push({ name, shape: entry.shape, values });
  }
  const metadata = METADATA_KEY in header ? header[METADATA_KEY] : {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw damaged('its metadata is not texts by name');
  }
  return { metadata: metadata as Record<string, string>, tensors };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHeaderEntry(value: unknown): value is HeaderEntry {
  if (!isRecord(value)) return false;
  const { dtype, shape, data_offsets: offsets } = value as Partial<HeaderEntry>;
  const isCounts = (list: unknown): boolean =>
    Array.isArray(list) && list.every((size) => Number.isSafeInteger(size) && size >= 0);
  return typeof dtype === 'string' && isCounts(shape) && isCounts(offsets) && offsets?.length === 2;
}
