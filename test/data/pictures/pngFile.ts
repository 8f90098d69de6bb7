/** Writes PNG files by hand (W3C PNG, third edition), apart from the decoder under test. */

import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const COLOUR_TYPES = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;

export interface PngContent {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** (height, width, channels), big-endian if of 16 bits. */
  readonly pixels: Uint8Array;
  readonly bits?: 8 | 16;
  /** Chunks to put before the image data. */
  readonly extra?: readonly Buffer[];
}

export function pngFile({ width, height, channels, pixels, bits = 8, extra = [] }: PngContent): Buffer {
  const rowLength = (width * channels * bits) / 8;
  const rows = Array.from({ length: pixels.length / rowLength }, (_, row) =>
    Buffer.concat([Buffer.of(0), pixels.subarray(row * rowLength, (row + 1) * rowLength)]),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  header[9] = COLOUR_TYPES[channels];
  const data = chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 1 }));
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), ...extra, data, chunk('IEND', Buffer.alloc(0))]);
}

export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(data.length, 0);
  numbers.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([numbers.subarray(0, 4), body, numbers.subarray(4)]);
}
