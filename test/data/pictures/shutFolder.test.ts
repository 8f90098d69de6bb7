/** Permissions do not keep root out, so a folder is shut here. */

import { mkdirSync, writeFileSync } from 'node:fs';
import type * as Promises from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { verifyFolder } from '../../../src/data/index.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { pngFile } from './pngFile.js';

const SHUT = 'shut';
vi.mock('node:fs/promises', async (importOriginal) => {
  const fs = await importOriginal<typeof Promises>();
  const readdir = async (folder: string, options: never): Promise<unknown> => {
    if (!folder.endsWith(SHUT)) return fs.readdir(folder, options);
    throw Object.assign(new Error(`EACCES: permission denied, scandir '${folder}'`), { code: 'EACCES' });
  };
  return { ...fs, readdir };
});

const picture = pngFile({ width: 8, height: 8, channels: 3, pixels: new Uint8Array(192) });

it('data verify names a folder that cannot be read, and goes on to the others', async () => {
  const dataDir = temporaryFolder();
  for (const folder of ['cat', 'cat/shut', 'dog', 'shut']) mkdirSync(join(dataDir, folder));
  for (const name of ['cat/1.png', 'dog/1.png']) writeFileSync(join(dataDir, name), picture);
  writeFileSync(join(dataDir, 'dog/2.png'), 'x');
  const [report] = await verifyFolder({
    ...{ dataDir, cacheFolder: temporaryFolder() },
    ...{ imageSize: 8, channels: 'colour', badImages: 'fail', coarseLabels: false },
  } as never);
  expect(report!.images).toBe(2);
  expect(report!.bad.map(({ path, fault }) => `${path} ${fault}`).sort()).toEqual([
    'cat/shut unreadable',
    'dog/2.png unreadable',
    'shut unreadable',
  ]);
  expect(report!.bad.find(({ path }) => path === 'shut')!.problem).toMatch(
    /is a folder that cannot be read \(EACCES/,
  );
  expect(report!.problem).toMatch(/without a picture: shut/);
});
