/** The build, and what the tests do to run nothing old, on a small checkout in a folder of its own. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { build } from '../../scripts/build.mjs';
import { isBuilt } from '../../scripts/checkout.mjs';
import buildBeforeTests from '../support/build.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const TSCONFIG = {
  compilerOptions: {
    ...{ rootDir: 'src', outDir: 'dist', module: 'NodeNext', noEmitOnError: true },
    ...{ types: [], lib: ['ES5'], skipLibCheck: true }, // quick to read
  },
  include: ['src'],
};

/** Built once: each test begins with a copy. */
let built: string;
let root: string;
const file = (name: string): string => path.join(root, name);
const write = (name: string, content: string): void => {
  mkdirSync(path.dirname(file(name)), { recursive: true });
  writeFileSync(file(name), content);
};
const read = (name: string): string => readFileSync(file(name), 'utf8');

beforeAll(() => {
  built = mkdtempSync(path.join(tmpdir(), 'lockstep-build-'));
  root = built;
  write('tsconfig.json', JSON.stringify(TSCONFIG));
  write('tsconfig.build.json', JSON.stringify({ extends: './tsconfig.json' }));
  write('package-lock.json', '{}');
  write('package.json', '{ "type": "module" }');
  write('src/worker/thread.ts', 'export const version: number = 1;');
  write('src/old.ts', 'export const old = true;');
  write('src/setup/unpack.py', 'print(1)');
  build(root);
});

afterAll(() => rmSync(built, { recursive: true }));

beforeEach(() => {
  root = temporaryFolder();
  cpSync(built, root, { recursive: true });
});

describe('npm run build', () => {
  it('compiles, copies what is not TypeScript, and does nothing the second time', () => {
    expect(read('dist/worker/thread.js')).toContain('version = 1');
    expect(read('dist/setup/unpack.py')).toBe('print(1)');
    const { ino, mtimeMs } = statSync(file('dist/worker/thread.js'));
    build(root);
    expect(statSync(file('dist/worker/thread.js'))).toMatchObject({ ino, mtimeMs });
  });

  it('compiles a source that changed and is older than the build, as one that was restored', () => {
    write('src/worker/thread.ts', 'export const version: number = 2;');
    utimesSync(file('src/worker/thread.ts'), 1e9, 1e9);
    expect(isBuilt(root)).toBe(false);
    build(root);
    expect(read('dist/worker/thread.js')).toContain('version = 2');
  });

  it('removes the output of a source that is gone, and keeps the benchmarks’ build', () => {
    write('dist/bench/main.js', '');
    rmSync(file('src/old.ts'));
    expect(isBuilt(root)).toBe(false);
    build(root);
    expect(existsSync(file('dist/old.js'))).toBe(false);
    expect(existsSync(file('dist/bench/main.js'))).toBe(true);
    expect(isBuilt(root)).toBe(true);
  });

  it.each(['changed', 'deleted'])('mends an output that was %s', (how) => {
    if (how === 'changed') write('dist/worker/thread.js', 'export const version = 9;');
    else rmSync(file('dist/worker/thread.js'));
    expect(isBuilt(root)).toBe(false);
    build(root);
    expect(read('dist/worker/thread.js')).toContain('version = 1');
  });

  it('keeps the last build where the sources do not compile, and says why', () => {
    write('src/worker/thread.ts', 'export const version: number = "two";');
    expect(() => build(root)).toThrow(/does not compile[^]*thread\.ts.*not assignable/);
    expect(read('dist/worker/thread.js')).toContain('version = 1');
    expect(isBuilt(root)).toBe(false);
  });
});

describe('before and after the tests', () => {
  /** As vitest calls it. */
  function testRun(): { readonly rerun: () => void; readonly end: () => void } {
    let rerun = (): void => undefined;
    const project = { onTestsRerun: (handler: () => void) => void (rerun = handler) };
    const end = buildBeforeTests(project as unknown as Parameters<typeof buildBeforeTests>[0], root);
    return { rerun: () => rerun(), end };
  }

  it('dist/ is built, and built again before a rerun in watch mode', () => {
    const run = testRun();
    expect(read('dist/worker/thread.js')).toContain('version = 1');
    write('src/worker/thread.ts', 'export const version: number = 2;');
    run.rerun();
    expect(read('dist/worker/thread.js')).toContain('version = 2');
    run.end();
  });

  it('a rerun finds no old code where the sources do not compile', () => {
    const said = vi.spyOn(console, 'error').mockReturnValue();
    const run = testRun();
    write('src/worker/thread.ts', 'export const version: number = "two";');
    run.rerun();
    expect(existsSync(file('dist/worker/thread.js'))).toBe(false);
    expect(said).toHaveBeenCalledWith(expect.stringContaining('not assignable'));
  });

  it.each(['', ', and another process built it'])(
    'the run fails where a source changed meanwhile%s',
    (how) => {
      const { exitCode } = process;
      onTestFinished(() => void (process.exitCode = exitCode));
      const run = testRun();
      write('src/old.ts', 'export const old = false;');
      if (how !== '') build(root);
      expect(run.end).toThrow(/changed during the tests.*run the tests again/);
      expect(process.exitCode).toBe(1);
    },
  );
});
