/** What the commands say of folders of pictures. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../../src/cli/main.js';
import { pngFile } from '../../data/pictures/pngFile.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

let folder: string;
const place = (...names: string[]): string => path.join(folder, ...names);

beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('LOCKSTEP_CACHE_DIR', place('cache'));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

const picture = (value: number): Buffer =>
  pngFile({
    width: 16,
    height: 16,
    channels: 3,
    pixels: Uint8Array.from({ length: 768 }, (_, at) => at * value),
  });

function put(name: string, content: Buffer | string = picture(3)): void {
  mkdirSync(path.dirname(place(name)), { recursive: true });
  writeFileSync(place(name), content);
}

/** Some pictures of two classes. */
function putClasses(root: string): void {
  for (let index = 0; index < 40; index++) put(`${root}/${index % 2}/${index}.png`, picture(index + 1));
}

async function lockstep(...words: string[]): Promise<{ printed: string; said: string; exitCode: unknown }> {
  let [printed, said] = ['', ''];
  process.exitCode = undefined;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said += String(text)), true));
  await main(words);
  return { printed, said, exitCode: process.exitCode };
}

describe('after a training', () => {
  const train = async (root: string, run: string): Promise<string> => {
    const data = ['--dataset', `folder:${place(root)}`, '--image-size', '16'];
    const work = ['--workers', '1', '--engine', 'simd', '--model', 'resnet8', '--batch-size', '16'];
    const { printed, said } = await lockstep(
      ...['train', ...data, ...work, '--max-steps', '1', '--run-dir', place(run)],
    );
    expect(said).toBe('');
    return printed;
  };

  it('evaluate is recommended if the folder has a test part, and only then', async () => {
    putClasses('plain');
    putClasses('split/train');
    putClasses('split/test');
    expect(await train('plain', 'run-1')).not.toContain('evaluate');
    expect(await train('split', 'run-2')).toContain('test it with: ');
  });
});

it('train --test names the place for test pictures before it trains', async () => {
  putClasses('plain');
  const { said, exitCode } = await lockstep('train', '--dataset', `folder:${place('plain')}`, '--test');
  expect(exitCode).toBe(1);
  expect(said).toContain(`put test pictures into ${place('plain', 'test')}`);
  expect(said).toContain('or in a new run leave --test out [E_DATA_MISSING]');
});

describe('data show --save', () => {
  const save = (file: string): ReturnType<typeof lockstep> =>
    lockstep('data', 'show', '--dataset', `folder:${place('pictures')}`, '--save', place(file));

  it('replaces nothing, and says so before it decodes', async () => {
    putClasses('pictures');
    put('sheet.png', 'kept');
    const { said, exitCode } = await save('sheet.png');
    expect(exitCode).toBe(1);
    expect(said).toBe(
      `lockstep: cannot write ${place('sheet.png')}: it exists already, and is not overwritten; choose another name, or move it away [E_IO]\n`,
    );
    expect(readFileSync(place('sheet.png'), 'utf8')).toBe('kept');
    expect(existsSync(place('cache'))).toBe(false);
    expect((await save('more/sheet.png')).exitCode).toBeUndefined();
    expect((await save('more/sheet.png')).said).toContain('exists already');
  });

  it('refuses what would have no effect, and a padding that images are too small for', async () => {
    putClasses('pictures');
    const look = (...more: string[]): ReturnType<typeof lockstep> =>
      lockstep('data', 'show', '--dataset', `folder:${place('pictures')}`, '--image-size', '8', ...more);
    expect((await look('--cutout', '8')).said).toMatch(/--cutout 8 is about the file that --save writes/);
    expect((await look('--no-augment')).said).toMatch(/--no-augment is about the file/);
    const sheet = ['--save', place('new.png')];
    expect((await look(...sheet, '--no-augment', '--mixup', '1')).said).toMatch(
      /--mixup 1 has no effect with --no-augment/,
    );
    expect((await look(...sheet, '--crop-padding', '16', '--border', 'reflect')).said).toMatch(
      /--crop-padding 16 must be at most 4/,
    );
    expect(existsSync(place('new.png'))).toBe(false);
    expect((await look(...sheet)).exitCode).toBeUndefined();
  });

  it('says if a part of the path is a file', async () => {
    putClasses('pictures');
    put('file', '');
    expect((await save('file/sheet.png')).said).toContain('a part of this path is a file, not a folder');
    expect(existsSync(place('cache'))).toBe(false);
  });
});

describe('data verify', () => {
  const verify = (): ReturnType<typeof lockstep> =>
    lockstep('data', 'verify', '--dataset', `folder:${place('pictures')}`, '--image-size', '16');

  it('lists all faults, and recommends to skip pictures only where that helps', async () => {
    putClasses('pictures');
    put('pictures/0/bad.png', 'x');
    const skippable = await verify();
    expect(skippable.printed).toContain('training: 40 pictures usable, 1 not\n  0/bad.png: unreadable');
    expect(skippable).toMatchObject({ exitCode: 1 });
    expect(skippable.said).toContain('repair or remove them, or train with --bad-images skip');

    put('pictures/empty/notes.txt', 'x');
    put('pictures/damaged/bad.png', 'x');
    put('pictures/loose.png');
    put('pictures/__MACOSX/0/._0.png', 'x');
    const { printed, said, exitCode } = await verify();
    expect(exitCode).toBe(1);
    expect(printed).toContain('training: 40 pictures usable, 2 not');
    expect(printed).toContain('1 class folder of');
    expect(printed).toContain('without a picture: empty (there are other files: 1 .txt, empty/notes.txt)');
    expect(printed).toContain('no picture that can be used of damaged');
    expect(printed).toContain('  0/bad.png: unreadable');
    expect(printed).toContain('  damaged/bad.png: unreadable');
    expect(said).toContain('left out: loose.png');
    expect(said).toContain('left out: __MACOSX');
    expect(said).toContain('--bad-images skip alone does not help');
  });

  it('reports on a folder in which nothing is a picture', async () => {
    put('pictures/a/notes.txt', 'x');
    put('pictures/b/notes.txt', 'x');
    const { printed, said } = await verify();
    expect(printed).toContain('training: 0 pictures usable, 0 not');
    expect(printed).toContain('2 .txt, the first a/notes.txt');
    expect(said).not.toContain('--bad-images');
  });
});
