/** `npm start` in small checkouts of every state: the real script, with stand-ins for npm and the command line. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url));

/** Installs what npm would: without `--include=dev` NODE_ENV decides. Builds only if it runs scripts. */
const NPM = `
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
const [command, ...args] = process.argv.slice(2);
appendFileSync('npm.log', [command, ...args].join(' ') + '\\n');
const make = (file) => { mkdirSync(require('node:path').dirname(file), { recursive: true }); writeFileSync(file, '{}'); };
if (command === 'ci') {
  make('node_modules/.package-lock.json');
  make('node_modules/needed/package.json');
  if (args.includes('--include=dev') || process.env.NODE_ENV !== 'production') make('node_modules/compiler/package.json');
}
if (command === 'run' || process.env.npm_config_ignore_scripts !== 'true') make('dist/cli/main.js');`;

const LOCK = {
  packages: {
    '': {},
    'node_modules/needed': {},
    'node_modules/compiler': { dev: true },
    'node_modules/gpu': { optional: true },
  },
};

interface Checkout {
  readonly root: string;
  readonly start: string;
  readonly file: (name: string) => string;
}

/** @param program what bin/lockstep does */
function checkout(program = "console.log('trained', process.argv.slice(2).join(' '))"): Checkout {
  const root = temporaryFolder();
  const file = (name: string): string => path.join(root, name);
  for (const folder of ['scripts/setup', 'src', 'bin']) mkdirSync(file(folder), { recursive: true });
  for (const name of ['start.mjs', 'setup/checkout.mjs'])
    copyFileSync(path.join(SCRIPTS, name), file(`scripts/${name}`));
  writeFileSync(file('package.json'), JSON.stringify({ engines: { node: '>=20.0.0' } }));
  writeFileSync(file('package-lock.json'), JSON.stringify(LOCK));
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'src/index.ts']) writeFileSync(file(name), '');
  writeFileSync(file('bin/lockstep'), program);
  writeFileSync(file('npm.cjs'), NPM);
  for (const name of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'src/index.ts'])
    utimesSync(file(name), 1e9, 1e9); // long before what is installed and built now
  return { root, start: file('scripts/start.mjs'), file };
}

function environment({ file }: Checkout, change: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], npm_execpath: file('npm.cjs'), ...change };
}

/** @returns what npm was asked for */
function startIn(place: Checkout, change: NodeJS.ProcessEnv = {}): readonly string[] {
  const { root, start, file } = place;
  const log = file('npm.log');
  writeFileSync(log, '');
  const env = environment(place, change);
  const { status, stdout, stderr } = spawnSync(process.execPath, [start], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`).toMatch(/trained train --config[^]*Next[^]*bin\/lockstep train --help/);
  expect(status).toBe(0);
  return readFileSync(log, 'utf8').split('\n').filter(Boolean);
}

const CI = 'ci --include=dev --no-audit --no-fund';

describe('npm start', () => {
  it('installs and builds once', () => {
    const place = checkout();
    expect(startIn(place)).toEqual([CI]);
    expect(startIn(place)).toEqual([]);
    utimesSync(place.file('src/index.ts'), 4e9, 4e9);
    expect(startIn(place)).toEqual(['run build']);
  });

  it('installs what building needs where NODE_ENV says production', () => {
    const place = checkout();
    expect(startIn(place, { NODE_ENV: 'production' })).toEqual([CI]);
    expect(existsSync(place.file('node_modules/compiler'))).toBe(true);
  });

  it('completes an installation that somebody has left incomplete', () => {
    const place = checkout();
    mkdirSync(place.file('node_modules/needed'), { recursive: true });
    writeFileSync(place.file('node_modules/.package-lock.json'), '{}');
    writeFileSync(place.file('node_modules/needed/package.json'), '{}');
    expect(startIn(place)).toEqual([CI]);
  });

  it('builds where npm runs no scripts', () => {
    expect(startIn(checkout(), { npm_config_ignore_scripts: 'true' })).toEqual([CI, 'run build']);
  });
});
