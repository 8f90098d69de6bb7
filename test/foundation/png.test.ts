import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodePng } from '../../src/foundation/png.js';
import type { Picture } from '../../src/foundation/png.js';

/** The chunks of a PNG, checked with the checksum and the inflater of zlib. */
function decoded(png: Uint8Array): { readonly head: readonly number[]; readonly lines: Buffer } {
  const bytes = Buffer.from(png);
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\u0089PNG\r\n\u001a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const head = chunks.get('IHDR')!;
  return {
    head: [head.readUInt32BE(0), head.readUInt32BE(4), ...head.subarray(8)],
    lines: inflateSync(chunks.get('IDAT')!),
  };
}

function picture(height: number, width: number, channels: number): Picture {
  const pixels = Uint8Array.from({ length: height * width * channels }, (_, at) => (at * 37) % 256);
  return { height, width, channels, pixels };
}

describe('encodePng', () => {
  it.each([
    [32, 32, 3],
    [1, 1, 1],
    [5, 7, 1],
    [200, 150, 3], // more than one stored block
  ])('writes %d x %d pixels of %d channels as they are', (height, width, channels) => {
    const given = picture(height, width, channels);
    const { head, lines } = decoded(encodePng(given));
    expect(head).toEqual([width, height, 8, channels === 3 ? 2 : 0, 0, 0, 0]);
    const rowLength = width * channels;
    const rows = Array.from({ length: height }, (_, row) => [
      0,
      ...given.pixels.subarray(row * rowLength, (row + 1) * rowLength),
    ]);
    expect([...lines]).toEqual(rows.flat());
  });

  it('shows the first of two channels in grey', () => {
    const { head, lines } = decoded(
      encodePng({ height: 1, width: 2, channels: 2, pixels: Uint8Array.of(9, 1, 8, 2) }),
    );
    expect(head).toEqual([2, 1, 8, 0, 0, 0, 0]);
    expect([...lines]).toEqual([0, 9, 8]);
  });
});
