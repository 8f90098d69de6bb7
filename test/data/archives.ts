/** Makes tiny archives and serves them, in place of the official one. */

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Cifar10Archive } from '../../src/data/index.js';

export interface TarEntry {
  readonly name: string;
  readonly content: Uint8Array;
  /** '0' a file, '5' a folder, '2' a symbolic link. */
  readonly type?: string;
}

export function makeTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap(({ name, content, type = '0' }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write('0000644\0', 100, 'latin1');
    header.write(content.length.toString(8).padStart(11, '0'), 124, 'latin1');
    header.write('        ', 148, 'latin1');
    header.write(type, 156, 'latin1');
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export function archiveOf(url: string, bytes: Uint8Array, batchByteCount: number): Cifar10Archive {
  return { url, md5: createHash('md5').update(bytes).digest('hex'), byteCount: bytes.length, batchByteCount };
}

export const TINY_BATCH_BYTE_COUNT = 1000;

/** The files of the official archive, with batches of 1,000 bytes. */
export function tinyEntries(): TarEntry[] {
  const batches = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`);
  return [
    { name: 'cifar-10-batches-bin/', content: new Uint8Array(0), type: '5' },
    ...['batches.meta.txt', ...batches, 'readme.html', 'test_batch.bin'].map((name, index) => ({
      name: `cifar-10-batches-bin/${name}`,
      content: new Uint8Array(TINY_BATCH_BYTE_COUNT).fill(index),
    })),
  ];
}

export function tinyArchive(entries: readonly TarEntry[] = tinyEntries()): Uint8Array {
  return gzipSync(makeTar(entries));
}

/** Serves until the test ends. @returns the address */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar-10-binary.tar.gz`;
}
