/** Where a run cannot be kept, nobody waits for data and workers first. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { killAll, REPOSITORY, startProgram, temporaryFolder } from './support/lockstep.js';
import type { Finished } from './support/lockstep.js';

const BIN = path.join(REPOSITORY, 'bin', 'lockstep');
/** There are no data: where they are looked for first, the error is another one. */
const NO_DATA = ['--dataset', 'cifar10', '--data-dir', 'nowhere', '--engine', 'simd'];

function newFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const quoted = (text: string): string => `'${text}'`;
const scriptIn = (folder: string, args: readonly string[]): string =>
  ['cd', quoted(folder), '&&', 'exec', ...[process.execPath, BIN, ...args].map(quoted)].join(' ');

function runIn(folder: string, args: readonly string[]): Promise<Finished> {
  return startProgram('sh', ['-c', scriptIn(folder, args)]).finished;
}

afterEach(killAll);

it.each([['train'], ['coordinator', '--listen', '127.0.0.1:0', '--workers', '1']])(
  '%s refuses a file called runs before it looks for data, and leaves it as it is',
  async (...command) => {
    const folder = newFolder();
    writeFileSync(path.join(folder, 'runs'), 'mine');
    const { exitCode, stdout, stderr } = await runIn(folder, [...command, ...NO_DATA]);
    expect(stderr).toBe(
      'lockstep: the run cannot be kept in runs: runs is a file; make that a folder that can be written to, or choose another one with --run-dir [E_IO]\n',
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(readFileSync(path.join(folder, 'runs'), 'utf8')).toBe('mine');
  },
);

it('names the folder of --run-dir, if that is where it cannot be kept', async () => {
  const folder = newFolder();
  writeFileSync(path.join(folder, 'taken'), '');
  const { stderr } = await runIn(folder, ['train', ...NO_DATA, '--run-dir', 'taken/first']);
  expect(stderr).toMatch(/^lockstep: the run cannot be kept in taken\/first: taken is a file; .*\[E_IO\]\n$/);
});

it('refuses a link called runs that leads nowhere', async () => {
  const folder = newFolder();
  symlinkSync('nowhere', path.join(folder, 'runs'));
  const { exitCode, stderr } = await runIn(folder, ['train', ...NO_DATA]);
  expect(stderr).toMatch(
    /^lockstep: the run cannot be kept in runs: .* is a link to nowhere, which does not exist; .*--run-dir \[E_IO\]\n$/,
  );
  expect(exitCode).toBe(1);
});

it('looks for data where runs can be kept, with or without a folder for them', async () => {
  const folder = newFolder();
  expect((await runIn(folder, ['train', ...NO_DATA])).stderr).toMatch(/\[E_DATA_MISSING\]\n$/);
  expect(existsSync(path.join(folder, 'runs'))).toBe(false);
  mkdirSync(path.join(folder, 'runs'));
  expect((await runIn(folder, ['train', ...NO_DATA])).stderr).toMatch(/\[E_DATA_MISSING\]\n$/);
});

/** Root may write everywhere, and so becomes somebody else. */
const isRoot = process.getuid?.() === 0;
const canBeNobody =
  isRoot && spawnSync('su', ['nobody', '-s', '/bin/sh', '-c', `test -r ${quoted(BIN)}`]).status === 0;
const canBeRefused = process.platform !== 'win32' && (!isRoot || canBeNobody);

it.skipIf(!canBeRefused).each([
  ['the current folder', '.'],
  ['the folder runs', 'runs'],
])('refuses %s if it cannot be written to', async (_, readOnly) => {
  const folder = newFolder();
  chmodSync(folder, 0o755);
  mkdirSync(path.join(folder, readOnly), { recursive: true });
  chmodSync(path.join(folder, readOnly), 0o555);
  const script = scriptIn(folder, ['train', ...NO_DATA]);
  const asUser = isRoot ? ['su', 'nobody', '-s', '/bin/sh', '-c', script] : ['sh', '-c', script];
  const { exitCode, stdout, stderr } = await startProgram(asUser[0]!, asUser.slice(1)).finished;
  expect(stderr).toMatch(/^lockstep: the run cannot be kept in runs: .*EACCES.*--run-dir \[E_IO\]\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(readdirSync(path.join(folder, readOnly))).toEqual([]);
});
