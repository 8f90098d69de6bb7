/**
 * The safetensors format (https://github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON
 * header, then raw little-endian tensors. Every common framework reads it, and it contains no code.
 */

import { isRecord } from '../../foundation/isRecord.js';
import { floatsFromLittleEndian, littleEndianBytes } from '../../foundation/littleEndian.js';
import { printable } from '../../foundation/printable.js';
import { UnusableCheckpoint } from './unusableCheckpoint.js';

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

/** The bytes of a tensor in a file. */
export interface Extent {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const LENGTH_BYTES = 8;
/** ResNet-1202 has a header of 2 MiB; a list of as many layers as allowed, with long names, one of 8 MiB. */
export const MOST_HEADER_BYTES = 16 << 20;
const NAME_LENGTH = 100;
const ALIGNMENT_BYTES = 8; // the reference writer pads the header with spaces to this
const METADATA_KEY = '__metadata__';

export function encodeSafetensors({ metadata, tensors }: SafetensorsContent): Buffer {
  const header = encodeSafetensorsHeader(metadata, tensors);
  return Buffer.concat([header, ...tensors.map(({ values }) => littleEndianBytes(values))]);
}

/**
 * Encodes everything before the data. The tensors' values must follow in this order.
 * @param tensors float32, of these shapes
 */
export function encodeSafetensorsHeader(
  metadata: Readonly<Record<string, string>>,
  tensors: readonly Pick<NamedTensor, 'name' | 'shape'>[],
): Buffer {
  const entries: [string, unknown][] = [[METADATA_KEY, metadata]];
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + shape.reduce((bytes, size) => bytes * size, Float32Array.BYTES_PER_ELEMENT);
    entries.push([name, { dtype: 'F32', shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = JSON.stringify(Object.fromEntries(entries));
  const headerBytes = Math.ceil(Buffer.byteLength(json) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const bytes = Buffer.alloc(LENGTH_BYTES + headerBytes, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes));
  bytes.write(json, LENGTH_BYTES);
  return bytes;
}

/**
 * Checks that the tensors lie in the file without gaps or overlaps, so their values together are no larger than the file.
 * `values` is made when it is read: a view, or a copy if the alignment requires one.
 * @param origin the file's name, for messages
 * @param isLeftOut says of a name that its tensor, of any type, is not wanted
 * @throws LockstepError E_CHECKPOINT if the bytes are not a complete safetensors file of float32 tensors
 */
export function decodeSafetensors(
  file: Uint8Array,
  origin: string,
  isLeftOut: (name: string) => boolean = () => false,
): SafetensorsContent {
  const damaged = (what: string): UnusableCheckpoint =>
    new UnusableCheckpoint(`${origin} is not a complete safetensors file of Lockstep: ${what}`);
  const { header, data } = splitFile(file, damaged);
  const extents: Extent[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name !== METADATA_KEY) extents.push(extentOf(name, entry, damaged, isLeftOut(name)));
  }
  checkTiling(extents, data.byteLength, damaged);
  const wanted = extents.filter(({ name }) => !isLeftOut(name));
  const tensors = wanted.map(({ name, shape, begin, end }) => ({
    name,
    shape,
    get values(): Float32Array {
      return floatsFromLittleEndian(data.subarray(begin, end));
    },
  }));
  const metadata = Object.hasOwn(header, METADATA_KEY) ? header[METADATA_KEY] : {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw damaged('its metadata is not texts by name');
  }
  return { metadata: metadata as Record<string, string>, tensors };
}

/**
 * Where the tensors lie behind the header, in their order.
 * @param header the header's JSON
 * @throws LockstepError E_CHECKPOINT
 */
export function extentsOf(header: unknown, origin: string): readonly Extent[] {
  const damaged = (what: string): UnusableCheckpoint =>
    new UnusableCheckpoint(`${origin} is no safetensors file of Lockstep: ${what}`);
  if (!isRecord(header)) throw damaged('its header is not an object');
  return Object.entries(header)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, entry]) => extentOf(name, entry, damaged))
    .sort((a, b) => a.begin - b.begin);
}

type Damaged = (what: string) => UnusableCheckpoint;

function splitFile(
  file: Uint8Array,
  damaged: Damaged,
): { readonly header: Readonly<Record<string, unknown>>; readonly data: Uint8Array } {
  if (file.byteLength < LENGTH_BYTES) throw damaged(`only ${file.byteLength} bytes`);
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > file.byteLength) throw damaged('its header is cut off');
  if (headerBytes > MOST_HEADER_BYTES) {
    throw damaged(`its header has ${headerBytes} bytes, more than ${MOST_HEADER_BYTES}`);
  }
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(file.subarray(LENGTH_BYTES, dataStart)).toString('utf8'));
  } catch {
    throw damaged('its header is not JSON');
  }
  if (!isRecord(header)) throw damaged('its header is not an object');
  return { header, data: file.subarray(dataStart) };
}

function extentOf(name: string, entry: unknown, damaged: Damaged, isOfAnyType = false): Extent {
  const shown = printable(name, NAME_LENGTH);
  if (!isHeaderEntry(entry)) throw damaged(`the entry of tensor ${shown} is malformed`);
  const { dtype, shape } = entry;
  const [begin, end] = entry.data_offsets;
  const byteCount = shape.reduce((bytes, size) => bytes * size, Float32Array.BYTES_PER_ELEMENT);
  if (!isOfAnyType && (dtype !== 'F32' || end - begin !== byteCount)) {
    throw damaged(`the bytes of tensor ${shown} do not fit its type and shape`);
  }
  return { name, shape, begin, end };
}

/** The format requires that every byte of the data belongs to exactly one tensor. */
function checkTiling(extents: readonly Extent[], dataBytes: number, damaged: Damaged): void {
  let covered = 0;
  for (const { name, begin, end } of [...extents].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const fault = begin < covered ? 'overlaps the one before it' : 'leaves a gap before it';
      throw damaged(`tensor ${printable(name, NAME_LENGTH)} ${fault}`);
    }
    covered = end;
  }
  if (covered !== dataBytes) throw damaged(`its tensors have ${covered} bytes, but ${dataBytes} are there`);
}

function isHeaderEntry(value: unknown): value is HeaderEntry {
  if (!isRecord(value)) return false;
  const { dtype, shape, data_offsets: offsets } = value as Partial<HeaderEntry>;
  const isCounts = (list: unknown): boolean =>
    Array.isArray(list) && list.every((size) => Number.isSafeInteger(size) && size >= 0);
  return typeof dtype === 'string' && isCounts(shape) && isCounts(offsets) && offsets?.length === 2;
}
