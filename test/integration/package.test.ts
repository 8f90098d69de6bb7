/** The package as users get it: packed, installed into an empty project, run by npx and imported. */

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  killAll,
  readResult,
  REPOSITORY,
  run,
  startProgram,
  temporaryFolder,
  until,
} from './support/lockstep.js';
import { canInstall, install, pack, runIn, tool } from './support/packed.js';
import type { Packed } from './support/packed.js';

const EXAMPLES = readdirSync(path.join(REPOSITORY, 'examples')).filter((name) => name.endsWith('.ts'));
const RECIPE = [
  '--dataset',
  'synthetic',
  '--model',
  'resnet8',
  '--train-limit',
  '64',
  '--val-size',
  '32',
  '--epochs',
  '1',
];
const ON_ANY_MACHINE = ['--batch-size', '32', '--engine', 'simd', '--workers', '1'];

const folder = temporaryFolder();
let packed: Packed;
/** Undefined where nothing can be installed. */
let project: string | undefined;

beforeAll(async () => {
  packed = await pack(folder);
  if (await canInstall(folder)) project = await install(packed.tarball, folder);
});
afterEach(killAll);

describe('the tarball', () => {
  it('holds the program, the library, the documents and the examples, and nothing of their making', () => {
    const { files } = packed;
    for (const needed of [
      'bin/lockstep',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/worker/thread.js',
      'LICENSE',
    ])
      expect(files).toContain(needed);
    for (const name of EXAMPLES) expect(files).toContain(`examples/${name}`);
    const foreign = /^(src|test|bench|scripts|records|runs)\/|\.map$|\.test\.|docs\/api\//;
    expect(files.filter((file) => foreign.test(file))).toEqual([]);
  });

  it('holds no file in dist/ that is not made from one in src/', () => {
    const made = packed.files.filter((file) => file.startsWith('dist/'));
    expect(made.length).toBeGreaterThan(100);
    const sourceOf = (file: string): string =>
      file
        .replace(/^dist/, 'src')
        .replace(/^src\/web\/(?!join\/)/, 'src/web/live/') // the pages are bundled
        .replace(/(\.d\.ts|\.js)$/, '.ts');
    expect(made.filter((file) => !existsSync(path.join(REPOSITORY, sourceOf(file))))).toEqual([]);
  });

  it('is in order for publint and for @arethetypeswrong/cli', async () => {
    await tool(folder, 'publint', 'run', packed.tarball, '--strict');
    await tool(
      folder,
      'attw',
      packed.tarball,
      '--profile',
      'esm-only',
      '--no-definitely-typed',
      '--no-emoji',
    );
  });
});

describe('installed into an empty project, it', () => {
  it('runs by npx, and trains to the bits of the checkout', async ({ skip }) => {
    if (project === undefined) return skip('no package can be installed here');
    const train = ['train', ...RECIPE, ...ON_ANY_MACHINE, '--run-dir'];
    await runIn(project, 'npx', '--no-install', 'lockstep', ...train, 'runs/packed');
    await run([...train, path.join(folder, 'checked-out')]);
    const { weightsSha256 } = readResult(path.join(project, 'runs', 'packed'));
    expect(weightsSha256).toBe(readResult(path.join(folder, 'checked-out')).weightsSha256);
  });

  it('is imported by ES modules and by CommonJS, with the same version', async ({ skip }) => {
    if (project === undefined) return skip('no package can be installed here');
    const { version } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      version: string;
    };
    writeFileSync(
      path.join(project, 'module.mjs'),
      `import { LOCKSTEP_VERSION } from 'lockstep'; console.log(LOCKSTEP_VERSION);`,
    );
    writeFileSync(
      path.join(project, 'script.cjs'),
      `import('lockstep').then((library) => console.log(library.LOCKSTEP_VERSION));`,
    );
    for (const file of ['module.mjs', 'script.cjs'])
      expect(await runIn(project, process.execPath, file)).toEqual({ stdout: `${version}\n`, stderr: '' });
  });

  it('lets nobody in but by its door', async ({ skip }) => {
    if (project === undefined) return skip('no package can be installed here');
    writeFileSync(path.join(project, 'inside.mjs'), `import 'lockstep/dist/cli/main.js';`);
    await expect(runIn(project, process.execPath, 'inside.mjs')).rejects.toThrow(
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    );
  });
});

describe('the examples', () => {
  /** What each prints, besides figures. */
  const PRINTED: Readonly<Record<string, RegExp>> = {
    train:
      /^epoch 1: loss [\d.]+\nepoch 2: .*\nepochs after 8 steps, in runs.*\nweights sha256 [\da-f]{64}\n$/,
    ownData: /^validation accuracy [\d.]+\ntest accuracy [\d.]+ on 100 images\n$/,
    ownNetwork:
      /^resnet8: 75290 parameters\nresnet8: accuracy .*\nplain8: \d+ parameters\nplain8: .*\nplain16: \d+ parameters\nplain16: .*\n$/,
    ownLoop: /lr 0\.1: accuracy .*\nlr 30: given up\nlr 0\.\d+ after 3 epochs: accuracy/,
  };

  beforeAll(async () => {
    if (project === undefined) return;
    const types = path.join(REPOSITORY, 'node_modules', '@types');
    const compilerOptions = {
      ...{ target: 'ES2022', module: 'NodeNext', strict: true, skipLibCheck: false },
      ...{ types: ['node'], typeRoots: [types] },
    };
    writeFileSync(
      path.join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    );
    for (const name of EXAMPLES) cpSync(path.join(REPOSITORY, 'examples', name), path.join(project, name));
    await tool(project, 'tsc', '-p', '.'); // strict, and of every declaration that the package brings
  });

  it('are all run here', () => {
    expect([...Object.keys(PRINTED), 'attach'].map((name) => `${name}.ts`).sort()).toEqual(
      [...EXAMPLES].sort(),
    );
  });

  it.for(Object.entries(PRINTED))('%s runs', async ([name, printed], { skip }) => {
    if (project === undefined) return skip('no package can be installed here');
    const { stdout, stderr } = await runIn(project, process.execPath, `${name}.js`);
    expect(stderr).toBe('');
    expect(stdout).toMatch(printed);
  });

  it('attach trains on two processes', async ({ skip }) => {
    if (project === undefined) return skip('no package can be installed here');
    const attach = path.join(project, 'attach.js');
    const runDir = temporaryFolder();
    const inRunDir = (...args: string[]): ReturnType<typeof startProgram> =>
      startProgram('sh', ['-c', 'cd "$0" && exec "$@"', runDir, process.execPath, attach, ...args]);
    const coordinator = inRunDir('coordinate');
    await until('the example listens', () => /listening on ws:\S+\n/.test(coordinator.output()));
    const [, url] = /listening on (ws:\S+)\n/.exec(coordinator.output())!;
    const workers = [inRunDir('work', url!), inRunDir('work', url!)];
    const { exitCode, stdout } = await coordinator.finished;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/joined: 2 workers\n[^]*weights sha256 [\da-f]{64}\n$/);
    for (const { finished } of workers) expect((await finished).stdout).toBe('done: the run has ended\n');
  });
});
