import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { extractWanted } from '../../src/data/tarReader.js';
import { makeTar } from './archives.js';
import type { TarEntry } from './archives.js';
import { temporaryFolder } from './cifar10Fixtures.js';

// eslint-disable-next-line @typescript-eslint/require-await -- stands for a stream, which is asynchronous
async function* inPieces(bytes: Uint8Array, pieceLength: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceLength) yield bytes.subarray(at, at + pieceLength);
}

const content = Uint8Array.from({ length: 1500 }, (_, index) => index % 251);

async function extract(bytes: Uint8Array, pieceLength = 700): Promise<{ folder: string; found: string[] }> {
  const folder = await temporaryFolder();
  const wanted = new Map(
    ['a/one', 'a/two'].map((name) => [name, { path: join(folder, name.slice(2)), maxByteCount: 2000 }]),
  );
  return { folder, found: [...(await extractWanted(inPieces(bytes, pieceLength), wanted))] };
}

describe('extractWanted', () => {
  it.each([1, 511, 512, 513, 10_000])('reads a stream in pieces of %d bytes', async (pieceLength) => {
    const entries: TarEntry[] = [
      { name: 'a/other', content },
      { name: './a/one', content },
      { name: 'a/two', content: new Uint8Array(0) },
    ];
    const { folder, found } = await extract(makeTar(entries), pieceLength);
    expect(found).toEqual(['./a/one', 'a/two'].map((name) => name.replace('./', '')));
    expect(new Uint8Array(await readFile(join(folder, 'one')))).toEqual(content);
    expect((await readFile(join(folder, 'two'))).length).toBe(0);
  });

  it('writes nothing for names that lead elsewhere', async () => {
    const names = ['../escape', '/tmp/lockstep-escape', 'a/../../escape', 'a/one/../../escape', 'a/onE', ''];
    const { folder, found } = await extract(makeTar(names.map((name) => ({ name, content }))));
    expect(found).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
    expect(await readdir(join(folder, '..'))).not.toContain('escape');
  });

  it.each([
    [
      'a name that comes twice',
      [
        { name: 'a/one', content },
        { name: 'a/one', content },
      ],
      /a\/one is in it twice/,
    ],
    [
      'a file that is too large',
      [{ name: 'a/one', content: new Uint8Array(2001) }],
      /2001 bytes, more than the limit of 2000/,
    ],
  ])('refuses %s', async (_, entries, message) => {
    await expect(extract(makeTar(entries))).rejects.toThrow(message);
  });

  it('refuses a damaged header and a stream that ends early', async () => {
    const tar = makeTar([{ name: 'a/one', content }]);
    await expect(extract(tar.subarray(0, 1000))).rejects.toThrow(/ends in the middle/);
    await expect(extract(tar.subarray(0, 2048))).rejects.toThrow(/ends in the middle/);
    const damaged = Uint8Array.from(tar);
    damaged[3] = 0x7a;
    await expect(extract(damaged)).rejects.toThrow(/fails its checksum/);
  });

  it("reads what this machine's tar writes", async ({ skip }) => {
    const source = await temporaryFolder();
    await mkdir(join(source, 'a'));
    await writeFile(join(source, 'a', 'one'), content);
    await writeFile(join(source, 'a', 'two'), 'short');
    for (const format of ['ustar', 'gnu', 'pax']) {
      try {
        await promisify(execFile)('tar', [`--format=${format}`, '-cf', 'all.tar', 'a'], { cwd: source });
      } catch {
        skip('needs a tar command that knows --format');
      }
      const { folder, found } = await extract(await readFile(join(source, 'all.tar')));
      expect(found.sort()).toEqual(['a/one', 'a/two']);
      expect(new Uint8Array(await readFile(join(folder, 'one')))).toEqual(content);
    }
  });
});
