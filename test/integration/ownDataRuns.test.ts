/** Runs on images of other shapes than CIFAR's, from a folder and from IDX files; and folders that are refused. */

import { linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadFolder, loadIdx, train } from '../../src/index.js';
import { writeIdxPart } from '../data/idxWriter.js';
import { pngFile } from '../data/pictures/pngFile.js';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
} from './support/lockstep.js';

const folder = temporaryFolder();
const place = (name: string): string => path.join(folder, name);
const CACHE = { LOCKSTEP_CACHE_DIR: place('cache') };
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Noise around a brightness that tells the class. */
function noise(byteCount: number, label: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length: byteCount }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return label * 60 + ((state >>> 16) % 60);
  });
}

/** Four classes; in `train` and `val` 40 and 8 pictures of 64x64, in `test` 12 of another size. */
function writePictures(root: string): void {
  for (const [part, count, side] of [
    ['train', 40, 64],
    ['val', 8, 64],
    ['test', 12, 80],
  ] as const) {
    for (let index = 0; index < count; index++) {
      const label = index % 4;
      mkdirSync(path.join(root, part, `class ${label}`), { recursive: true });
      const file = path.join(root, part, `class ${label}`, `${part} ü ${index}.png`);
      const pixels = noise(side * side * 3, label, index);
      writeFileSync(file, pngFile({ width: side, height: side, channels: 3, pixels }));
    }
  }
}

function writeMnist(root: string): void {
  for (const [prefix, count] of [
    ['train', 300],
    ['t10k', 120],
  ] as const) {
    const labels = Uint8Array.from({ length: count }, (_, index) => index % 4);
    const pixels = Buffer.concat(Array.from(labels, (label, index) => noise(784, label, index)));
    writeIdxPart(root, prefix, { shape: [count, 28, 28], pixels, labels }, { gzip: true });
  }
}

const startOf = (runDir: string): unknown => readMetrics(runDir).find(({ event }) => event === 'run-started');

const RECIPE = [
  '--model',
  'resnet8',
  '--epochs',
  '2',
  '--batch-size',
  '32',
  '--micro-batch',
  '16',
  '--seed',
  '2',
];

describe.each([
  {
    name: '64x64x3 from a folder with its own validation images',
    data: ['--dataset', `folder:${place('pictures')}`, '--image-size', '64'],
    write: () => writePictures(place('pictures')),
    load: () => loadFolder(place('pictures'), { imageSize: 64, cacheDir: place('cache') }),
    started: { trainingSamples: 40, validationSamples: 8 },
    testSamples: 12,
  },
  {
    name: '28x28x1 from IDX files',
    data: ['--dataset', `idx:${place('mnist')}`],
    write: () => writeMnist(place('mnist')),
    load: () => loadIdx(place('mnist')),
    started: { trainingSamples: 270, validationSamples: 30 },
    testSamples: 120,
  },
])('$name', ({ data, write, load, started, testSamples }) => {
  it('trains here, on another process, after a stop and by the library to the same bits, and is evaluated', async () => {
    write();
    const local = place(`local-${testSamples}`);
    const whole = await run(
      ['train', ...data, ...RECIPE, '--workers', '1', '--run-dir', local, '--test'],
      CACHE,
    );
    expect(whole).toMatchObject({ exitCode: 0, stderr: '' });
    expect(startOf(local)).toMatchObject(started);
    const { weightsSha256, lastWeightsSha256 } = readResult(local);
    const same = { weightsSha256, lastWeightsSha256, exact: true };

    const remote = place(`remote-${testSamples}`);
    const port = await freePort();
    const coordinator = start(
      ['coordinator', ...data, ...RECIPE, '--run-dir', remote, '--listen', `127.0.0.1:${port}`],
      CACHE,
    );
    const worker = start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']);
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expect(readResult(remote)).toMatchObject(same);

    const stopped = place(`stopped-${testSamples}`);
    await run(
      ['train', ...data, ...RECIPE, '--workers', '1', '--run-dir', stopped, '--max-steps', '1'],
      CACHE,
    );
    // The variable names the folder of CIFAR-10: this run knows better where its data are.
    const elsewhere = { ...CACHE, LOCKSTEP_DATA_DIR: place('nowhere') };
    expect(await run(['train', '--resume', stopped, '--max-steps', 'none'], elsewhere)).toMatchObject({
      exitCode: 0,
    });
    expect(readResult(stopped)).toMatchObject(same);
    const evaluated = await run(['evaluate', stopped, '--json', '--workers', '1'], elsewhere);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ testSamples, weightsSha256 });

    const byProgram = await train({
      data: await load(),
      recipe: { model: 'resnet8', epochs: 2, batchSize: 32, microBatch: 16, seed: 2 },
      ...{ runDir: place(`program-${testSamples}`), workers: 1, engine: 'simd' as const },
    });
    expect(byProgram).toMatchObject(same);
    const resumed = await run(
      ['train', '--resume', byProgram.runDir, '--epochs', '3', '--workers', '1'],
      CACHE,
    );
    expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('a run on a folder', () => {
  it('is refused if a picture was changed, and goes on when it is back', async () => {
    writePictures(place('changing'));
    const runDir = place('changing-run');
    const data = ['--dataset', `folder:${place('changing')}`, '--workers', '1'];
    await run(['train', ...data, ...RECIPE, '--run-dir', runDir, '--max-steps', '1'], CACHE);
    const file = path.join(place('changing'), 'train', 'class 1', 'train ü 5.png');
    const put = (seed: number): void =>
      writeFileSync(
        file,
        pngFile({ width: 64, height: 64, channels: 3, pixels: noise(64 * 64 * 3, 1, seed) }),
      );
    put(99);
    const refused = await run(['train', '--resume', runDir, '--max-steps', '2'], CACHE);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/different: training images\).*--data-dir \[E_CHECKPOINT\]\n$/);
    put(5);
    expect(await run(['train', '--resume', runDir, '--max-steps', '2'], CACHE)).toMatchObject({
      exitCode: 0,
    });
  });

  it('trains on one image a class', async () => {
    for (const label of [0, 1]) {
      mkdirSync(place(`few/${label}`), { recursive: true });
      const pixels = noise(32 * 32 * 3, label, label);
      writeFileSync(place(`few/${label}/one.png`), pngFile({ width: 32, height: 32, channels: 3, pixels }));
    }
    const outcome = await run(
      [
        'train',
        '--dataset',
        `folder:${place('few')}`,
        ...RECIPE,
        '--workers',
        '1',
        '--run-dir',
        place('few-run'),
      ],
      CACHE,
    );
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(startOf(place('few-run'))).toMatchObject({ trainingSamples: 2, validationSamples: 0 });
  });

  it('tells of uneven classes and of what it skips', async () => {
    mkdirSync(place('uneven/a'), { recursive: true });
    mkdirSync(place('uneven/b'), { recursive: true });
    for (let index = 0; index < 12; index++) {
      const file = place(`uneven/${index < 10 ? 'a' : 'b'}/${index}.png`);
      writeFileSync(file, pngFile({ width: 8, height: 8, channels: 3, pixels: noise(192, 1, index) }));
    }
    symlinkSync('/etc/hostname', place('uneven/a/link.png'));
    const data = [
      '--dataset',
      `folder:${place('uneven')}`,
      '--image-size',
      '8',
      '--max-steps',
      '1',
      '--workers',
      '1',
    ];
    const refused = await run(['train', ...data, ...RECIPE, '--run-dir', place('uneven-run')], CACHE);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /^lockstep: 1 of 13 pictures in .* a\/link\.png is a link out of the folder; .* use --bad-images skip \[E_DATA_CORRUPT\]\n$/,
    );
    const skipped = await run(
      ['train', ...data, ...RECIPE, '--bad-images', 'skip', '--run-dir', place('uneven-run')],
      CACHE,
    );
    expect(skipped.exitCode).toBe(0);
    expect(skipped.stdout).toContain('skipped: 1 of 13 pictures');
    expect(skipped.stdout).toContain('the classes are uneven: from 2 of b to 10 of a');
    const verified = await run(['data', 'verify', '--dataset', `folder:${place('uneven')}`], CACHE);
    expect(verified.exitCode).toBe(1);
    expect(verified.stdout).toContain('a/link.png: link: is a link out of the folder');
  });

  it.each([
    [['--dataset', 'folder:nowhere'], 1, /nowhere does not exist; name a folder .*\[E_DATA_MISSING\]/],
    [['--dataset', 'folder:'], 2, /--dataset folder: must be one of cifar10, .* or folder:DIR or idx:DIR/],
    [
      ['--dataset', 'idx:nowhere'],
      1,
      /no train-labels-idx1-ubyte in .*nowhere.*--data-dir \[E_DATA_MISSING\]/,
    ],
    [
      ['--dataset', 'cifar100', '--data-dir', 'nowhere'],
      1,
      /no training images of CIFAR-100 in .*--data-dir \[E_DATA_MISSING\]/,
    ],
    [
      ['--dataset', 'cifar10', '--image-size', '64'],
      2,
      /--image-size 64 has no effect with --dataset cifar10/,
    ],
    [
      ['--dataset', 'folder:a', '--data-dir', 'b'],
      2,
      /--dataset folder:a contradicts --data-dir b, which names another folder/,
    ],
    [['--dataset', 'folder:a', '--image-size', '7'], 2, /--image-size 7 must be an integer from 8 to 224/],
  ])('is refused in words: %j', async (data, exitCode, message) => {
    const outcome = await run(['train', ...data, '--run-dir', place('refused')], CACHE);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.stderr).not.toContain('    at ');
  });

  it('of 100,000 pictures is read and counted', async () => {
    const names = ['a', 'b'].map((name) => place(`many/${name}`));
    for (const [label, name] of names.entries()) {
      mkdirSync(name, { recursive: true });
      const first = path.join(name, '00000.png');
      writeFileSync(first, pngFile({ width: 8, height: 8, channels: 3, pixels: noise(192, label, label) }));
      for (let index = 1; index < 50_000; index++) {
        linkSync(first, path.join(name, `${String(index).padStart(5, '0')}.png`));
      }
    }
    const data = ['--dataset', `folder:${place('many')}`, '--image-size', '8'];
    const counted = await run(['data', 'stats', ...data, '--json'], CACHE);
    expect(counted.stderr).toBe('');
    expect(JSON.parse(counted.stdout)).toMatchObject({ parts: [{ part: 'training', images: 100_000 }] });
    const packs = readdirSync(place('cache/pictures')).filter((name) => name.startsWith('many-'));
    expect(packs).toHaveLength(1);
  });
});
