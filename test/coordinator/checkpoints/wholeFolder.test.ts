import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { writeWholeFolder } from '../../../src/coordinator/index.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const FILES = [
  { name: 'a.txt', content: 'a' },
  { name: 'b.bin', content: Uint8Array.of(1, 2) },
];
const never = new AbortController().signal;

it('writes all files, in a folder that is made with those above it', async () => {
  const folder = path.join(temporaryFolder(), 'new', 'folder');
  await writeWholeFolder(folder, FILES, never);
  expect(readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe('a');
  expect([...readFileSync(path.join(folder, 'b.bin'))]).toEqual([1, 2]);
});

it('leaves nothing if one of them cannot be written', async () => {
  const parent = temporaryFolder();
  const files = [...FILES, { name: path.join('no', 'such', 'folder.txt'), content: '' }];
  const failed = writeWholeFolder(path.join(parent, 'folder'), files, never);
  await expect(failed).rejects.toMatchObject({ code: 'E_IO' });
  expect(readdirSync(parent)).toEqual([]);
});

it('leaves nothing if it is stopped between two files', async () => {
  const parent = temporaryFolder();
  const stop = new AbortController();
  const files = [
    FILES[0]!,
    {
      name: 'b.bin',
      get content() {
        stop.abort();
        return Uint8Array.of(1);
      },
    },
  ];
  const stopped = writeWholeFolder(path.join(parent, 'folder'), files, stop.signal);
  await expect(stopped).rejects.toMatchObject({ code: 'E_STOPPED' });
  expect(readdirSync(parent)).toEqual([]);
});

it('keeps what has come into the folder meanwhile', async () => {
  const folder = path.join(temporaryFolder(), 'folder');
  mkdirSync(folder);
  const files = [
    {
      name: 'a.txt',
      get content() {
        writeFileSync(path.join(folder, 'mine.txt'), 'mine');
        return 'a';
      },
    },
  ];
  await expect(writeWholeFolder(folder, files, never)).rejects.toMatchObject({ code: 'E_IO' });
  expect(readdirSync(folder)).toEqual(['mine.txt']);
  expect(existsSync(`${folder}.${process.pid}.tmp`)).toBe(false);
});
