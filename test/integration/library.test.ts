/** The library in programs of their own, beside the command line: the same bits, and nothing else touched. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import {
  killAll,
  readResult,
  REPOSITORY,
  run,
  start,
  startProgram,
  temporaryFolder,
  until,
} from './support/lockstep.js';
import type { Finished } from './support/lockstep.js';

const LIBRARY = JSON.stringify(pathToFileURL(path.join(REPOSITORY, 'dist', 'index.js')).href);
const RECIPE = {
  model: 'resnet8',
  epochs: 1,
  trainLimit: 200,
  valSize: 100,
  batchSize: 64,
  seed: 7,
} as const;
const FLAGS = [
  '--model',
  'resnet8',
  '--epochs',
  '1',
  '--train-limit',
  '200',
  '--val-size',
  '100',
  '--batch-size',
  '64',
];
const ON_COMMAND_LINE = ['--dataset', 'synthetic', ...FLAGS, '--seed', '7'];

const folder = temporaryFolder();
const inFolder = (name: string): string => path.join(folder, name);
const text = (value: unknown): string => JSON.stringify(value);

afterEach(killAll);

/** Runs a program that imports the library. */
function program(name: string, body: string): Promise<Finished> {
  const file = inFolder(`${name}.mjs`);
  writeFileSync(file, `import * as lockstep from ${LIBRARY};\n${body}`);
  return startProgram(process.execPath, [file]).finished;
}

describe('a program', () => {
  it('trains to the bits of the command line, and prints what it prints itself alone', async () => {
    await run(['train', ...ON_COMMAND_LINE, '--workers', '1', '--run-dir', inFolder('command')]);
    const { exitCode, stdout, stderr } = await program(
      'train',
      `const data = lockstep.syntheticData();
       const result = await lockstep.train({
         recipe: ${text(RECIPE)}, data, workers: 2, engine: 'simd', runDir: ${text(inFolder('program'))} });
       console.log(result.weightsSha256);`,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(`${readResult(inFolder('command')).weightsSha256}\n`);
    expect(readResult(inFolder('program'))).toMatchObject({ weightsSha256: stdout.trim(), exact: true });
  });

  it('is left alone by the import: no output, no listener, no variable, nothing that keeps it running', async () => {
    const file = inFolder('import.mjs');
    writeFileSync(
      file,
      `const state = () => ({
         env: { ...process.env }, title: process.title, exitCode: process.exitCode ?? null,
         events: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
         globals: Object.keys(globalThis).filter((name) => !name.startsWith('__zod')) }); // zod keeps its settings there
       const before = state();
       await import(${LIBRARY});
       const after = state();
       for (const key of Object.keys(after)) {
         if (JSON.stringify(after[key]) !== JSON.stringify(before[key])) console.log(key, 'changed');
       }`,
    );
    const { exitCode, stdout, stderr } = await startProgram(process.execPath, [file]).finished;
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('coordinates workers of the command line, and attaches to a coordinator of it', async () => {
    await run(['train', ...ON_COMMAND_LINE, '--workers', '1', '--run-dir', inFolder('reference')]);
    const expected = readResult(inFolder('reference')).weightsSha256;
    const urlFile = inFolder('url');
    const coordinating = program(
      'coordinate',
      `import { writeFileSync } from 'node:fs';
       const { url, token, done } = await lockstep.coordinate({
         recipe: ${text(RECIPE)}, data: lockstep.syntheticData(), port: 0, token: 'secret', runDir: ${text(inFolder('own'))} });
       writeFileSync(${text(urlFile)}, url);
       console.log(token, (await done).weightsSha256);`,
    );
    await until('the program listens', () => existsSync(urlFile) && readFileSync(urlFile, 'utf8') !== '');
    const worker = start(['worker', readFileSync(urlFile, 'utf8'), '--threads', '1'], {
      LOCKSTEP_TOKEN: 'secret',
    });
    const { stdout } = await coordinating;
    expect(stdout).toBe(`secret ${expected}\n`);
    expect((await worker.finished).exitCode).toBe(0);

    const coordinator = start([
      'coordinator',
      ...ON_COMMAND_LINE,
      '--listen',
      '127.0.0.1:0',
      '--run-dir',
      inFolder('theirs'),
    ]);
    await until('the coordinator listens', () => /ws:\/\/127\.0\.0\.1:\d+/.test(coordinator.output()));
    const [url] = /ws:\/\/127\.0\.0\.1:\d+/.exec(coordinator.output())!;
    const working = await program(
      'work',
      `const { reason } = await lockstep.work({ url: ${text(url)}, threads: 1, engine: 'simd' });
       console.log(reason);`,
    );
    expect(working).toMatchObject({ exitCode: 0, stdout: 'the run has ended\n', stderr: '' });
    expect((await coordinator.finished).exitCode).toBe(0);
    expect(readResult(inFolder('theirs')).weightsSha256).toBe(expected);
  });

  it('ends by itself once its run has: no thread and no timer is left behind', async () => {
    const { exitCode, stdout } = await program(
      'abort',
      `const stop = new AbortController();
       const options = { recipe: ${text(RECIPE)}, data: lockstep.syntheticData(), workers: 2, engine: 'simd' };
       const first = await lockstep.train({
         ...options, runDir: ${text(inFolder('aborted'))}, signal: stop.signal,
         onEvent: ({ event }) => { if (event === 'step') stop.abort(); } });
       const second = await lockstep.train({ resume: first.runDir, workers: 1, engine: 'simd' });
       console.log(first.stoppedBy, second.stoppedBy, second.weightsSha256);`,
    );
    expect(exitCode).toBe(0);
    const { weightsSha256 } = readResult(inFolder('aborted'));
    expect(stdout).toBe(`signal epochs ${weightsSha256}\n`);
    expect(weightsSha256).toBe(readResult(inFolder('command')).weightsSha256);
  });
});
