/** `npm start` in small checkouts of every state: the real script, with stand-ins for npm and the command line. */

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { recordBuild, sourcesDigest } from '../../scripts/checkout.mjs';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/waiting.js';

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
if (command === 'run' || process.env.npm_config_ignore_scripts !== 'true') {
  make('dist/cli/main.js');
  import('./scripts/checkout.mjs').then(({ recordBuild, sourcesDigest }) => recordBuild('.', sourcesDigest('.')));
}`;

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
  for (const folder of ['scripts', 'src', 'bin']) mkdirSync(file(folder), { recursive: true });
  for (const name of ['start.mjs', 'checkout.mjs'])
    copyFileSync(path.join(SCRIPTS, name), file(`scripts/${name}`));
  writeFileSync(file('package.json'), JSON.stringify({ engines: { node: '>=20.0.0' } }));
  writeFileSync(file('package-lock.json'), JSON.stringify(LOCK));
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'src/index.ts']) writeFileSync(file(name), '');
  writeFileSync(file('bin/lockstep'), program);
  writeFileSync(file('npm.cjs'), NPM);
  utimesSync(file('package-lock.json'), 1e9, 1e9); // long before what is installed now
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
    writeFileSync(place.file('src/index.ts'), '// changed');
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

/** Tells what signals it gets, and ends at SIGTERM only. */
const TRAINING = `
const { appendFileSync } = require('node:fs');
const tell = (word) => appendFileSync('signals', word + ' ');
for (const signal of ['SIGHUP', 'SIGTERM']) process.on(signal, () => tell(signal));
process.on('SIGTERM', () => process.exit(143));
tell('ready');
setTimeout(() => process.exit(9), 600_000); // whatever becomes of the test`;

/** What `npm start` runs, and the shell that npm puts in between, which passes no signal on. */
function training(): {
  readonly shell: ChildProcess;
  readonly start: () => number;
  readonly signals: () => string;
} {
  const place = checkout(TRAINING);
  startedOnce(place);
  const shell = spawn('sh', ['-c', `"${process.execPath}" scripts/start.mjs & echo $! > pid; wait`], {
    cwd: place.root,
    env: environment(place, { npm_lifecycle_event: 'start' }),
    stdio: 'ignore',
  });
  const read = (name: string): string =>
    existsSync(place.file(name)) ? readFileSync(place.file(name), 'utf8') : '';
  return { shell, start: () => Number(read('pid')), signals: () => read('signals') };
}

/** Installed and built, so that starting is quick. */
function startedOnce({ root, file }: Checkout): void {
  for (const name of ['node_modules/.package-lock.json', 'dist/cli/main.js']) makeFile(file(name));
  for (const name of ['needed', 'compiler']) makeFile(file(`node_modules/${name}/package.json`));
  recordBuild(root, sourcesDigest(root));
}

function makeFile(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '');
}

describe.skipIf(process.platform === 'win32')('a signal during npm start', () => {
  it('that ends npm, and the shell between, stops training as well', async () => {
    const { shell, signals } = training();
    await until(() => signals() === 'ready ');
    shell.kill('SIGTERM');
    await until(() => signals() === 'ready SIGTERM ');
  });

  it('that says that the terminal is gone is training’s to judge', async () => {
    const { shell, start, signals } = training();
    await until(() => signals() === 'ready ' && start() > 0);
    process.kill(start(), 'SIGHUP');
    await until(() => signals() === 'ready SIGHUP ');
    process.kill(start(), 'SIGTERM');
    await until(() => signals() === 'ready SIGHUP SIGTERM ');
    if (shell.exitCode === null) await once(shell, 'exit');
  });
});
