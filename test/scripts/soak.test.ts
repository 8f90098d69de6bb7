/** The command line of `npm run soak`. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/soak.mjs', import.meta.url));

it.each([
  [['--minuets', '3'], /Unknown option '--minuets'/],
  [['--minutes', '0'], /--minutes 0 must be a number above 0/],
  [['--minutes', 'ten'], /--minutes ten must be/],
  [['--seed', '1.5'], /--seed 1.5 must be an integer/],
])('refuses %j with the usage, and without a stack trace', (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/usage: npm run soak/);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(status).toBe(2);
});
