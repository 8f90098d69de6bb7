/** What `lockstep report` writes, and what it leaves as it is. */

import { lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildProgram } from '../../../src/cli/main.js';
import { errorText } from '../../../src/cli/options/inFlags.js';
import { rejectionOf } from '../../support/errors.js';
import { makeRun } from '../../support/runFolders.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

beforeEach(() => void vi.spyOn(process.stdout, 'write').mockReturnValue(true));
afterEach(() => void vi.restoreAllMocks());

const report = (...args: string[]): Promise<unknown> =>
  buildProgram().parseAsync(['report', ...args], { from: 'user' });

it('replaces a file only if it is told so', async () => {
  const folder = temporaryFolder();
  const run = makeRun(path.join(folder, 'run'));
  const file = path.join(folder, 'mine.html');
  writeFileSync(file, 'mine');
  const error = await rejectionOf('E_OPTION', report(run, '-o', file));
  const other = path.join(folder, 'mine-2.html');
  expect(errorText(error)).toBe(
    `--output ${file} exists, and is not replaced; use --output ${other}, or replace it with --force`,
  );
  expect(readFileSync(file, 'utf8')).toBe('mine');
  await report(run, '-o', other);
  expect(readFileSync(other, 'utf8')).toContain('<!doctype html>');
  await report(run, '-o', file, '--force');
  expect(readFileSync(file, 'utf8')).toContain('<!doctype html>');
});

it('replaces no device and no link, whoever asks, and says where it cannot write', async () => {
  const folder = temporaryFolder();
  const run = makeRun(path.join(folder, 'run'));
  const link = path.join(folder, 'link.html');
  symlinkSync('nothing', link);
  for (const special of [link, '/dev/null']) {
    const error = await rejectionOf('E_OPTION', report(run, '-o', special, '--force'));
    expect(errorText(error)).toMatch(/is a device or a link to nothing.*use --output report\.html/);
  }
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  const behindAFile = path.join(folder, 'run', 'config.json', 'r.html');
  for (const output of [behindAFile, path.join(folder, 'x'.repeat(300))]) {
    await rejectionOf('E_IO', report(run, '-o', output));
  }
});
