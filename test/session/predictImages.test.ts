/** Predictions of single images: those that an evaluation makes of them, whatever else is among them. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.js';
import { syntheticTestSet } from '../../src/data/index.js';
import { encodePng } from '../../src/foundation/png.js';
import { evaluate, predict, syntheticData, train } from '../../src/index.js';
import type { Prediction } from '../../src/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const simd = { engine: 'simd', workers: 1 } as const;
const test = syntheticTestSet();
let home: string;
let run: string;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'lockstep-test-'));
  run = path.join(home, 'run');
  const recipe = { model: 'resnet8', trainLimit: 320, valSize: 32, epochs: 1, batchSize: 32 };
  await train({ ...simd, data: syntheticData(), recipe, runDir: run });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

function pngOf(index: number): Buffer {
  const { height, width, channels } = test.imageShape;
  const pixels = new Uint8Array(height * width * channels);
  test.read(index, pixels, 0);
  return Buffer.from(encodePng({ height, width, channels, pixels }));
}

describe.each(['none', 'flip'] as const)('with views %s', (tta) => {
  it('has the class and the probability that evaluate finds for the same image', async () => {
    const { worstImages } = await evaluate({ ...simd, checkpoint: run, tta });
    const images = worstImages.map(({ index }) => ({ name: String(index), bytes: pngOf(index) }));
    const { images: found } = await predict({ ...simd, checkpoint: run, images, tta });
    const top = found.map((image) => ('classes' in image ? image.classes[0] : undefined));
    expect(top.map((each) => each?.label)).toEqual(worstImages.map(({ predicted }) => predicted));
    worstImages.forEach(({ confidence }, place) => {
      expect(top[place]!.probability).toBeCloseTo(confidence, 6);
    });
  });
});

it('five classes, the most probable first; in the order of the images, a folder by name', async () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'more'));
  const names = ['b 2.png', 'é 🙂.PNG', path.join('more', 'a.png')];
  names.forEach((name, index) => writeFileSync(path.join(folder, name), pngOf(index)));
  writeFileSync(path.join(folder, 'notes.txt'), 'not an image');
  const seen: number[][] = [];
  const { images } = await predict({
    ...{ ...simd, checkpoint: run, images: [path.join(folder, 'more', 'a.png'), folder] },
    onProgress: (done, total) => void seen.push([done, total]),
  });
  expect(images.map(({ image }) => path.relative(folder, image))).toEqual([
    path.join('more', 'a.png'),
    'b 2.png',
    path.join('more', 'a.png'),
    'é 🙂.PNG',
  ]);
  for (const image of images) {
    const { classes } = image as Extract<Prediction, { classes: unknown }>;
    expect(classes).toHaveLength(5);
    const shares = classes.map(({ probability }) => probability);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  }
  expect(seen.at(-1)).toEqual([4, 4]);
});

it('a folder without images is refused', async () => {
  const empty = temporaryFolder();
  await expect(predict({ ...simd, checkpoint: run, images: [empty] })).rejects.toMatchObject({
    code: 'E_DATA_MISSING',
  });
});

it('no engine starts before there is an image for it', async () => {
  const request = { checkpoint: run, engine: 'webgpu', device: 'a GPU that nobody has' } as const;
  const { images } = await predict({ ...request, images: ['mistyped.png'] });
  expect(images).toMatchObject([{ image: 'mistyped.png', problem: expect.any(String) as string }]);
  const pngs = [{ name: 'one', bytes: pngOf(1) }];
  await expect(predict({ ...request, images: pngs })).rejects.toMatchObject({ code: /^E_/ });
});

it('on the command line a bad image is named, the others are answered, and the exit status is 1', async () => {
  const folder = temporaryFolder();
  const [good, bad, missing] = ['good, "1".png', 'bad.png', 'missing.png'].map((name) =>
    path.join(folder, name),
  );
  writeFileSync(good!, pngOf(0));
  writeFileSync(bad!, pngOf(1).subarray(0, 100));
  let [printed, said] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said += String(text)), true));
  await main(['predict', run, bad!, good!, missing!, '--csv', '--engine', 'simd', '--workers', '1']);
  expect(process.exitCode).toBe(1);
  expect(said).toContain(`${bad} ends before its last part`);
  expect(said).toContain(`${missing} cannot be read`);
  const lines = printed.trim().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/^image,class1,probability1,.*,class5,probability5,problem$/);
  expect(lines[1]).toMatch(/bad\.png,,,,,,,,,,,/);
  expect(lines[2]).toMatch(/^".*good, ""1""\.png",[a-z]+,0\.\d+,/);
});

it('an interruption keeps the rows that are known, and says how far it came', async () => {
  const folder = temporaryFolder();
  for (let index = 0; index < 300; index++) writeFileSync(path.join(folder, `${1000 + index}.png`), pngOf(0));
  const rows: string[] = [];
  const said: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    rows.push(String(text));
    if (rows.length === 2) process.emit('SIGINT');
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  await main(['predict', run, folder, '--csv', '--engine', 'simd', '--workers', '1']);
  expect(process.exitCode).toBe(130);
  expect(rows[0]).toMatch(/^image,class1/);
  expect(rows).toHaveLength(1 + 256);
  expect(said.join('')).toContain('lockstep: the prediction was interrupted after 256 of 300 images');
});

it('is interrupted while it waits for standard input', async () => {
  const said: string[] = [];
  const stdin = new PassThrough();
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as unknown as typeof process.stdin);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  stdin.write('half a picture');
  stdin.on('newListener', (event) => {
    if (event === 'readable') setImmediate(() => process.emit('SIGINT')); // now it is waited for
  });
  await main(['predict', run, '-', '--engine', 'simd', '--workers', '1']);
  expect(process.exitCode).toBe(130);
  expect(said.join('')).toBe('lockstep: the prediction was interrupted while it read standard input\n');
});

it('the whole output has one form', async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  await main(['predict', run, 'cat.png', '--json', '--csv']);
  expect(said.join('')).toMatch(
    /--json and --csv each decide the form .* leave --json out, or leave --csv out/,
  );
});
