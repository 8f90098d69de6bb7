import * as fs from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Checkpoint } from '../../../src/coordinator/checkpoints/checkpoint.js';
import { CheckpointFiles } from '../../../src/coordinator/checkpoints/checkpointFiles.js';
import { encodeCheckpoint } from '../../../src/coordinator/checkpoints/checkpointSnapshot.js';
import { freshProgress } from '../../../src/coordinator/run/progress.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import { buildModel, initialiseModel } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';
import { recipe } from '../../support/recipes.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** What the file system does at its next link or rename. */
const fault = vi.hoisted(() => ({
  link: undefined as (() => void) | undefined,
  rename: undefined as ((from: string, to: string) => void) | undefined,
}));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fsPromises>();
  return {
    ...real,
    link: (from: string, to: string) => {
      fault.link?.();
      return real.link(from, to);
    },
    rename: async (from: string, to: string) => {
      fault.rename?.(from, to);
      await real.rename(from, to);
    },
  };
});

const failing = (code: string) => (): never => {
  throw Object.assign(new Error(`${code}: as the test wants it`), { code });
};

const text = (value: string): readonly Uint8Array[] => [Buffer.from(value)];

function newFiles(): { folder: string; files: CheckpointFiles } {
  const folder = temporaryFolder();
  fault.link = fault.rename = undefined;
  return { folder, files: new CheckpointFiles(folder) };
}

const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    fs.readdirSync(folder).map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]),
  );

const model = buildModel('resnet8', 0);

/** A whole checkpoint of that step. */
async function checkpointOf(step: number): Promise<readonly Uint8Array[]> {
  const checkpoint: Checkpoint = {
    recipe: recipe(),
    progress: { ...freshProgress(), step },
    state: initialiseModel(model, step),
    velocity: new Float32Array(model.layout.parameterCount),
    best: undefined,
    averaged: undefined,
    normalisation: { mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
    samples: undefined,
  };
  return [await encodeCheckpoint(checkpoint, model)];
}

it('who has lost the files to another process leaves alone what that is writing, under the same name too', async () => {
  const { folder } = newFiles();
  const lost = new CheckpointFiles(folder, () => {
    throw new LockstepError('E_RUN_EXISTS', 'taken over');
  });
  const temporary = `last.safetensors.${process.pid}.tmp`; // in containers, both may have number 1
  fs.writeFileSync(path.join(folder, temporary), 'of another');
  await rejectionOf('E_RUN_EXISTS', lost.write('last', text('stale')));
  expect(contents(folder)).toEqual({ [temporary]: 'of another' });
});

describe('a checkpoint that replaces another', () => {
  it('keeps the one before it, and no more', async () => {
    const { folder, files } = newFiles();
    for (const value of ['one', 'two', 'three']) await files.write('last', text(value));
    await files.write('best', text('best'));
    await files.write('best', text('better'));
    expect(contents(folder)).toEqual({
      'last.safetensors': 'three',
      'previous.safetensors': 'two',
      'best.safetensors': 'better',
    });
  });

  it('does so on a file system without links', async () => {
    const { folder, files } = newFiles();
    fault.link = failing('EPERM');
    for (const value of ['one', 'two', 'three']) await files.write('last', text(value));
    expect(contents(folder)).toEqual({ 'last.safetensors': 'three', 'previous.safetensors': 'two' });
  });

  it('leaves a last one at every moment', async () => {
    const { files } = newFiles();
    await files.write('last', text('one'));
    const seen: string[] = [];
    fault.rename = () => void seen.push(fs.readFileSync(files.fileOf('last'), 'utf8'));
    await files.write('last', text('two'));
    expect(seen).toEqual(['one', 'one']);
  });

  it('works when a kill had left the last and the previous as one file', async () => {
    const { folder, files } = newFiles();
    await files.write('last', text('one'));
    fs.linkSync(files.fileOf('last'), files.previousFile);
    await files.write('last', text('two'));
    expect(contents(folder)).toEqual({ 'last.safetensors': 'two', 'previous.safetensors': 'one' });
  });

  it.each(['first', 'second'])(
    'stands if the %s renaming fails, and nothing is left beside it',
    async (which) => {
      const { folder, files } = newFiles();
      for (const value of ['one', 'two']) await files.write('last', text(value));
      let renames = 0;
      fault.rename = () => {
        if (++renames === (which === 'first' ? 1 : 2)) failing('EIO')();
      };
      const error = await rejectionOf('E_IO', files.write('last', text('three')));
      expect(error.message).toContain('last.safetensors');
      expect(contents(folder)['last.safetensors']).toBe('two');
      expect(Object.keys(contents(folder)).sort()).toEqual(['last.safetensors', 'previous.safetensors']);
      fault.rename = undefined;
      await files.write('last', text('four'));
      expect(contents(folder)).toEqual({ 'last.safetensors': 'four', 'previous.safetensors': 'two' });
    },
  );

  it('is not replaced by one that does not read back as it was written', async () => {
    const { folder, files } = newFiles();
    await files.write('last', text('good'));
    const piece = Buffer.alloc(600_000, 'a');
    // As seen from the program, the disk has changed a byte between the writing and the reading.
    const once = await fsPromises.open(path.join(temporaryFolder(), 'any'), 'w');
    const prototype = Object.getPrototypeOf(once) as fsPromises.FileHandle;
    await once.close();
    const sync = vi.spyOn(prototype, 'sync').mockImplementation(function (this: fsPromises.FileHandle) {
      piece[400_000] = 98;
      return Promise.resolve();
    });
    const error = await rejectionOf('E_IO', files.write('last', [Buffer.from('head'), piece]));
    sync.mockRestore();
    expect(error.message).toContain('reading it back gives other data');
    expect(contents(folder)).toEqual({ 'last.safetensors': 'good' });
  });
});

describe('the newest checkpoint that is whole', () => {
  async function twoCheckpoints(): Promise<CheckpointFiles> {
    const { files } = newFiles();
    for (const step of [100, 200]) await files.write('last', await checkpointOf(step));
    return files;
  }

  it('is the last one', async () => {
    const { checkpoint, damage } = await (await twoCheckpoints()).readNewest();
    expect(checkpoint.progress.step).toBe(200);
    expect(damage).toBeUndefined();
  });

  it.each<[string, (file: string) => void]>([
    ['has a byte changed', (file) => flip(file, 100_000)],
    ['is cut off', (file) => fs.truncateSync(file, 5000)],
    ['is empty', (file) => fs.writeFileSync(file, '')],
    ['is not there', (file) => fs.rmSync(file)],
  ])('is the one before it if the last %s', async (_what, damageFile) => {
    const files = await twoCheckpoints();
    damageFile(files.fileOf('last'));
    const { checkpoint, damage } = await files.readNewest();
    expect(checkpoint.progress.step).toBe(100);
    expect(damage).toContain(files.fileOf('last'));
    // The good one must survive the next save.
    await files.setLastAside();
    await files.write('last', await checkpointOf(300));
    flip(files.fileOf('last'), 100_000);
    expect((await files.readNewest()).checkpoint.progress.step).toBe(100);
  });

  it('is none if both are damaged, and the message names both', async () => {
    const files = await twoCheckpoints();
    flip(files.fileOf('last'), 100_000);
    flip(files.previousFile, 5000);
    const { message } = await rejectionOf('E_CHECKPOINT', files.readNewest());
    for (const part of [files.fileOf('last'), files.previousFile, 'begin a new run']) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain('use another checkpoint'); // there is none
    await files.write('best', await checkpointOf(200));
    expect((await rejectionOf('E_CHECKPOINT', files.readNewest())).message).toContain('best.safetensors may');
    flip(files.fileOf('best'), 5000);
    expect((await rejectionOf('E_CHECKPOINT', files.readNewest())).message).toMatch(/; begin a new run$/);
  });

  it('is none if there is but one, and that is damaged', async () => {
    const { files } = newFiles();
    await files.write('last', await checkpointOf(1));
    flip(files.fileOf('last'), 100_000);
    const { message } = await rejectionOf('E_CHECKPOINT', files.readNewest());
    expect(message).toMatch(/none before it/);
  });
});

function flip(file: string, position: number): void {
  const bytes = fs.readFileSync(file);
  bytes[position]! ^= 1;
  fs.writeFileSync(file, bytes);
}
