import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.js';

const MOST_BYTES = 150_000;

it('the live page has at most 150 KB, compressed', () => {
  const folder = temporaryFolder();
  execFileSync(process.execPath, ['scripts/bundlePage.mjs', '.', folder]);
  const files = readdirSync(path.join(folder, 'web'));
  expect(files.sort()).toEqual(['index.html', 'page.css', 'page.js']);
  const sizes = files.map((name) => gzipSync(readFileSync(path.join(folder, 'web', name))).byteLength);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(MOST_BYTES);
});
