/** Output that nobody gets: a full disk, and a reader that hangs up. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from './support/lockstep.js';

const PROGRAM = path.join(REPOSITORY, 'bin', 'lockstep');
const FULL = '/dev/full';

describe.skipIf(!existsSync(FULL))('results on a full disk (skipped where /dev/full is missing)', () => {
  it.each([['model', 'resnet8'], ['model', 'resnet8', '--json'], ['--help']])(
    'are told as lost by %s %s',
    (...args) => {
      const stdout = openSync(FULL, 'w');
      const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args.filter(Boolean)], {
        stdio: ['ignore', stdout, 'pipe'],
        encoding: 'utf8',
      });
      closeSync(stdout);
      expect(stderr).toMatch(/^lockstep: standard output cannot be written .*ENOSPC.*\[E_IO\]\n$/);
      expect(status).toBe(1);
    },
  );
});

it.skipIf(process.platform === 'win32')('is no error where the reader has what it wants', () => {
  const script = `set -o pipefail; "$0" "$1" model resnet110 | head -n 1`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, PROGRAM], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('resnet110');
});
