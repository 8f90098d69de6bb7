/**
 * Images as PNG (https://www.w3.org/TR/png-3/), uncompressed: the images here have a few kilobytes. Without a compressor
 * it runs in pages, too.
 */

import { crc32Of } from './crc32.js';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const BITS_PER_SAMPLE = 8;
const GREY = 0;
const COLOUR = 2;
const NO_FILTER = 0;
/** zlib: deflate with a window of 32 KiB, and no preset dictionary. */
const ZLIB_HEAD = [0x78, 0x01];
const LONGEST_STORED_BLOCK = 0xffff;
const crc32 = crc32Of(0xedb88320);

export interface Picture {
  readonly height: number;
  readonly width: number;
  /** 3: red, green and blue. Of any other number the first is shown in grey. */
  readonly channels: number;
  readonly pixels: Uint8Array; // (height, width, channels)
}

export function encodePng(picture: Picture): Uint8Array {
  const { height, width, channels } = picture;
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([BITS_PER_SAMPLE, channels === 3 ? COLOUR : GREY], 8); // the rest: deflate, usual filters, not interlaced
  return joined([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('IDAT', zlibOf(scanlinesOf(picture))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** Each row of pixels, with its filter before it. */
function scanlinesOf({ height, width, channels, pixels }: Picture): Uint8Array {
  const shown = channels === 3 ? 3 : 1;
  const rowLength = 1 + width * shown;
  const lines = new Uint8Array(height * rowLength);
  for (let row = 0; row < height; row++) {
    lines[row * rowLength] = NO_FILTER;
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * channels;
      const to = row * rowLength + 1 + column * shown;
      for (let channel = 0; channel < shown; channel++) lines[to + channel] = pixels[from + channel]!;
    }
  }
  return lines;
}

/** As stored blocks: https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4 */
function zlibOf(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.from(ZLIB_HEAD)];
  for (let from = 0; from < bytes.length; from += LONGEST_STORED_BLOCK) {
    const block = bytes.subarray(from, from + LONGEST_STORED_BLOCK);
    const isLast = from + block.length === bytes.length;
    const [low, high] = [block.length & 0xff, block.length >>> 8];
    parts.push(Uint8Array.of(isLast ? 1 : 0, low, high, ~low & 0xff, ~high & 0xff), block);
  }
  return joined([...parts, bigEndian(adler32(bytes))]);
}

function adler32(bytes: Uint8Array): number {
  const MODULUS = 65_521;
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % MODULUS;
    b = (b + a) % MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = joined([Uint8Array.from({ length: type.length }, (_, at) => type.charCodeAt(at)), data]);
  return joined([bigEndian(data.length), body, bigEndian(crc32(body))]);
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}
