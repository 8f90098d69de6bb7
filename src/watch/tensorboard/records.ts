/**
 * TFRecord, the frame around each event: length, its checksum, data, its checksum
 * (https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).
 */

import type { FileHandle } from 'node:fs/promises';
import { maskedCrc32c } from './crc32c.js';

const LENGTH_BYTES = 8;
const CHECKSUM_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + CHECKSUM_BYTES;
const FRAME_BYTES = HEAD_BYTES + CHECKSUM_BYTES;
/** Nothing that is written here comes near: a longer record is damage. */
const LONGEST_RECORD_BYTES = 16 << 20;
const READ_BYTES = 1 << 20;

export function frameRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(FRAME_BYTES + data.byteLength);
  record.writeBigUInt64LE(BigInt(data.byteLength), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, LENGTH_BYTES)), LENGTH_BYTES);
  record.set(data, HEAD_BYTES);
  record.writeUInt32LE(maskedCrc32c(data), HEAD_BYTES + data.byteLength);
  return record;
}

export interface FoundRecord {
  /** Its first byte in the file. */
  readonly begin: number;
  /** The byte after its last. */
  readonly end: number;
  readonly data: Uint8Array;
}

/** The records of a file, in order. Ends at the first that is incomplete or damaged, as after a kill. */
export async function* wholeRecords(file: FileHandle): AsyncGenerator<FoundRecord> {
  let bytes = Buffer.alloc(0);
  let begin = 0;
  for (let position = 0; ;) {
    const block = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await file.read(block, 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    bytes = Buffer.concat([bytes, block.subarray(0, bytesRead)]);
    for (let byteCount = recordLength(bytes); byteCount !== undefined; byteCount = recordLength(bytes)) {
      if (byteCount === 'damaged') return;
      const data = bytes.subarray(HEAD_BYTES, byteCount - CHECKSUM_BYTES);
      if (bytes.readUInt32LE(byteCount - CHECKSUM_BYTES) !== maskedCrc32c(data)) return;
      yield { begin, end: begin + byteCount, data };
      begin += byteCount;
      bytes = bytes.subarray(byteCount);
    }
  }
}

/** The length of the record that these bytes begin with, in bytes; undefined if more must be read. */
function recordLength(bytes: Buffer): number | 'damaged' | undefined {
  if (bytes.byteLength < HEAD_BYTES) return undefined;
  if (bytes.readUInt32LE(LENGTH_BYTES) !== maskedCrc32c(bytes.subarray(0, LENGTH_BYTES))) return 'damaged';
  const dataBytes = Number(bytes.readBigUInt64LE(0));
  if (dataBytes > LONGEST_RECORD_BYTES) return 'damaged';
  const byteCount = FRAME_BYTES + dataBytes;
  return bytes.byteLength < byteCount ? undefined : byteCount;
}
