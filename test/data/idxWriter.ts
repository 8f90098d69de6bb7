/** Writes IDX files by the description on MNIST's page, apart from the reader under test. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export function idxFile(shape: readonly number[], values: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, 0x08, shape.length]);
  shape.forEach((size, dimension) => head.writeUInt32BE(size, 4 + 4 * dimension));
  return Buffer.concat([head, values]);
}

export interface IdxPartContent {
  /** (N, H, W) or (N, H, W, C) */
  readonly shape: readonly number[];
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** @param prefix `train` or `t10k` */
export function writeIdxPart(
  folder: string,
  prefix: string,
  { shape, pixels, labels }: IdxPartContent,
  { gzip = false } = {},
): void {
  mkdirSync(folder, { recursive: true });
  const put = (name: string, bytes: Buffer): void =>
    writeFileSync(join(folder, gzip ? `${name}.gz` : name), gzip ? gzipSync(bytes, { level: 1 }) : bytes);
  put(`${prefix}-images-idx${shape.length}-ubyte`, idxFile(shape, pixels));
  put(`${prefix}-labels-idx1-ubyte`, idxFile([labels.length], labels));
}
