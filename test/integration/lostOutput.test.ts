/** Output that nobody gets: a full disk, and a reader that hangs up. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readResult, REPOSITORY, temporaryFolder } from './support/lockstep.js';

const PROGRAM = path.join(REPOSITORY, 'bin', 'lockstep');
const FULL = '/dev/full';
const TOLD = /^lockstep: standard output cannot be written .*ENOSPC.*\[E_IO\]\n$/m;

function onFullDisk(args: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  const stdout = openSync(FULL, 'w');
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', stdout, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(stdout);
  return { status, stderr };
}

describe.skipIf(!existsSync(FULL))('results on a full disk (skipped where /dev/full is missing)', () => {
  it.each([
    ...['model resnet8', 'model resnet8 --json', '--help', '--version', 'help train', 'runs --json'],
    ...['data show --dataset synthetic', 'simulate --nodes 2 --steps 1'],
    'simulate --nodes 2 --steps 1 --json',
  ])('are told as lost by %s', (line) => {
    const { status, stderr } = onFullDisk(line.split(' '));
    expect(stderr).toMatch(TOLD);
    expect(status).toBe(1);
  });

  it('are told as lost by a training, which goes on and is saved', () => {
    const runDir = path.join(temporaryFolder(), 'run');
    const { status, stderr } = onFullDisk([
      ...['train', '--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '96', '--val-size', '0'],
      ...[
        '--batch-size',
        '32',
        '--max-steps',
        '2',
        '--workers',
        '1',
        '--engine',
        'simd',
        '--run-dir',
        runDir,
      ],
    ]);
    expect(stderr).toMatch(TOLD);
    expect(status).toBe(1);
    expect(readResult(runDir)).toMatchObject({ stepsCompleted: 2 });
  });
});

it('a file on a faulty disk is no terminal that was closed', () => {
  const source = pathToFileURL(path.join(REPOSITORY, 'dist', 'cli', 'process', 'lostOutput.js')).href;
  const fault = `process.stdout.emit('error', Object.assign(new Error('a fault'), { code: 'EIO' }))`;
  const script = `import { watchOutput } from '${source}'; watchOutput(); ${fault};`;
  const outcome = (isTerminal: boolean): unknown => {
    const program = `process.stdout.isTTY = ${isTerminal}; ${script}`;
    const args = ['--input-type=module', '-e', program];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { status, stderr };
  };
  expect(outcome(true)).toEqual({ status: 0, stderr: '' });
  expect(outcome(false)).toEqual({ status: 1, stderr: expect.stringContaining('a fault') as unknown });
});

it.skipIf(process.platform === 'win32')('is no error where the reader has what it wants', () => {
  const script = `set -o pipefail; "$0" "$1" model resnet110 | head -n 1`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, PROGRAM], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('resnet110');
});
