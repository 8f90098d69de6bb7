import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Compressed. */
const PAGES = [
  { page: 'the live page', place: '', names: ['index.html', 'page.css', 'page.js'], mostBytes: 150_000 },
  {
    page: 'the page of a tab that computes',
    place: 'join',
    names: ['compute.js', 'gpu.js', 'index.html', 'page.css', 'page.js'],
    mostBytes: 200_000,
  },
];

it('the pages have few bytes, and import nothing', () => {
  const folder = temporaryFolder();
  execFileSync(process.execPath, ['scripts/bundlePage.mjs', '.', folder]);
  for (const { page, place, names, mostBytes } of PAGES) {
    const from = path.join(folder, 'web', place);
    const found = readdirSync(from, { withFileTypes: true }).filter((entry) => entry.isFile());
    expect(found.map(({ name }) => name).sort(), page).toEqual(names);
    const contents = names.map((name) => readFileSync(path.join(from, name)));
    const sizes = contents.map((content) => gzipSync(content).byteLength);
    expect(
      sizes.reduce((sum, size) => sum + size),
      page,
    ).toBeLessThan(mostBytes);
    for (const [index, name] of names.entries()) {
      if (name.endsWith('.js'))
        expect(contents[index]!.toString(), name).not.toMatch(/\bimport\s*["'{*(]|\brequire\(|\beval\(/);
    }
  }
});
