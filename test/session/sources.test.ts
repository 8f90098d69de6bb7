import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type * as FileSystem from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { decodeSources } from '../../src/session/prediction/decode.js';
import { listSources } from '../../src/session/prediction/sources.js';
import { pngFile } from '../data/pictures/pngFile.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Permissions do not keep root out, so a folder is shut here. */
const SHUT = 'shut';
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof FileSystem>();
  const readdirSync = (folder: string, options: never): unknown => {
    if (!folder.endsWith(SHUT)) return fs.readdirSync(folder, options);
    throw Object.assign(new Error(`EACCES: permission denied, scandir '${folder}'`), { code: 'EACCES' });
  };
  return { ...fs, readdirSync };
});

const picture = pngFile({ width: 8, height: 8, channels: 3, pixels: new Uint8Array(192) });

it('names what it does not look into, and goes on', async () => {
  const folder = temporaryFolder();
  const place = (name: string): string => path.join(folder, name);
  for (const name of ['a', SHUT, 'z']) mkdirSync(place(name));
  for (const name of ['a/0.png', 'z/1.png']) writeFileSync(place(name), picture);
  symlinkSync('a', place('link'));
  symlinkSync('round.png', place('round.png'));
  const deep = path.join(place('deep'), ...new Array<string>(16).fill('d'));
  mkdirSync(deep, { recursive: true });
  writeFileSync(path.join(deep, '2.png'), picture);

  const shape = { height: 8, width: 8, channels: 3 } as const;
  const found: unknown[] = [];
  for await (const image of decodeSources(listSources([folder]), shape, new AbortController().signal)) {
    found.push([path.relative(folder, image.name), 'problem' in image ? image.problem : 'decoded']);
  }
  expect(found).toEqual([
    ['a/0.png', 'decoded'],
    [path.relative(folder, deep), 'lies more than 16 folders deep; name it itself'],
    ['link', 'is a link to a folder, which is not followed; name the folder itself'],
    ['round.png', expect.stringMatching(/ELOOP/) as string],
    [SHUT, expect.stringMatching(/^cannot be read \(EACCES.*make it readable, or leave it out$/) as string],
    ['z/1.png', 'decoded'],
  ]);
  rmSync(folder, { recursive: true });
});

it('names a folder that cannot be read among others', () => {
  const folder = path.join(temporaryFolder(), SHUT);
  mkdirSync(folder);
  expect(listSources([folder, 'other.png'])).toEqual([
    { name: folder, problem: expect.stringContaining('cannot be read') as string },
    'other.png',
  ]);
});
