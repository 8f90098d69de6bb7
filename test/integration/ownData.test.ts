/**
 * The same images in any form give the same weights: CIFAR-10's, written as PNG files, in CIFAR-100's layouts and as IDX.
 * The forms are written by the tests themselves.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeIdxPart } from '../data/idxWriter.js';
import { pickleLikePython2 } from '../data/pickleWriter.js';
import { greyOf, readCifarImages, writePngs } from './support/cifarImages.js';
import type { CifarImages } from './support/cifarImages.js';
import { cifar10Folder, killAll, readResult, run, temporaryFolder } from './support/lockstep.js';

const cifar = cifar10Folder();
if (cifar === undefined) {
  console.warn(
    'skipped: CIFAR-10 is not at LOCKSTEP_CIFAR10_DIR, nor in ../shared/cifar10 beside the repository',
  );
}

const RECIPE = [
  ...['--model', 'resnet8', '--train-limit', '192', '--val-size', '100', '--epochs', '1'],
  ...['--batch-size', '64', '--seed', '3', '--workers', '1'],
];
const folder = temporaryFolder();
const place = (name: string): string => path.join(folder, name);
const CACHE = { LOCKSTEP_CACHE_DIR: place('cache') };

let runs = 0;

/** @returns the digest of the trained weights */
async function digestOf(...data: string[]): Promise<string> {
  const runDir = place(`run-${++runs}`);
  const { exitCode, stderr } = await run(['train', ...data, ...RECIPE, '--run-dir', runDir], CACHE);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return readResult(runDir).weightsSha256;
}

/** What `lockstep data stats` says of the training part. */
async function contentOf(...data: string[]): Promise<string> {
  const { stdout, stderr } = await run(['data', 'stats', ...data, '--json'], CACHE);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { parts: { contentSha256: string }[] }).parts[0]!.contentSha256;
}

/** Every label below 100, and that of a superclass of it. */
const fineOf = (label: number, image: number): number => 10 * label + (image % 10);
const coarseOf = (label: number, image: number): number => 2 * label + (image % 2);
const relabelled = ({ labels }: CifarImages, by: typeof fineOf): Uint8Array => labels.map(by);

describe.skipIf(cifar === undefined)('the same images', () => {
  let training: CifarImages;
  let test: CifarImages;

  beforeAll(() => {
    training = readCifarImages(
      cifar!,
      [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
    );
    test = readCifarImages(cifar!, ['test_batch.bin']);
    writePngs(place('pngs/train'), training);
    writePngs(place('pngs/test'), {
      labels: test.labels.subarray(0, 1000),
      pixels: test.pixels.subarray(0, 1000 * 3072),
    });
  });
  afterEach(killAll);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('as a folder of PNG files train to the bits of the binary files', async () => {
    const binary = await digestOf('--dataset', 'cifar10', '--data-dir', cifar!);
    expect(await digestOf('--dataset', `folder:${place('pngs')}`)).toBe(binary);
    const evaluated = await run(['evaluate', place(`run-${runs}`), '--json', '--workers', '1'], CACHE);
    expect(evaluated.stderr).toBe('');
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ dataset: 'folder', testSamples: 1000 });
  });

  it('in grey as IDX files, packed by gzip or not, train to the bits of the folder', async () => {
    const part = { shape: [50_000, 32, 32], pixels: greyOf(training.pixels), labels: training.labels };
    writeIdxPart(place('idx'), 'train', part);
    writeIdxPart(place('idx-gz'), 'train', part, { gzip: true });
    const grey = await digestOf('--dataset', `folder:${place('pngs')}`, '--channels', 'grey');
    expect(await digestOf('--dataset', `idx:${place('idx')}`)).toBe(grey);
    expect(await digestOf('--dataset', 'idx', '--data-dir', place('idx-gz'))).toBe(grey);
  });

  it("in CIFAR-100's layouts train to the bits of IDX files", async () => {
    writeCifar100Binary(place('c100/cifar-100-binary'), { training, test });
    writeCifar100Python(place('c100py/cifar-100-python'), training);
    const idx = { shape: [50_000, 32, 32, 3], pixels: training.pixels };
    writeIdxPart(place('idx100'), 'train', { ...idx, labels: relabelled(training, fineOf) });
    writeIdxPart(place('idx20'), 'train', { ...idx, labels: relabelled(training, coarseOf) });
    const c100 = ['--dataset', 'cifar100', '--data-dir', place('c100')];
    const python = ['--dataset', 'cifar100', '--data-dir', place('c100py')];
    const fine = await digestOf('--dataset', `idx:${place('idx100')}`);
    expect(await digestOf(...c100)).toBe(fine);
    expect(await digestOf(...python)).toBe(fine);
    const coarse = await digestOf('--dataset', `idx:${place('idx20')}`);
    expect(coarse).not.toBe(fine);
    expect(await digestOf(...python, '--coarse-labels')).toBe(coarse);
    expect(await contentOf(...c100, '--coarse-labels')).toBe(
      await contentOf('--dataset', `idx:${place('idx20')}`),
    );
  });
});

function writeCifar100Binary(target: string, sets: Readonly<Record<'training' | 'test', CifarImages>>): void {
  mkdirSync(target, { recursive: true });
  for (const [name, set] of [
    ['train.bin', sets.training],
    ['test.bin', sets.test],
  ] as const) {
    const bytes = Buffer.alloc(set.labels.length * 3074);
    set.labels.forEach((label, image) => {
      bytes.set([coarseOf(label, image), fineOf(label, image)], image * 3074);
      bytes.set(set.planar.subarray(image * 3072, (image + 1) * 3072), image * 3074 + 2);
    });
    writeFileSync(path.join(target, name), bytes);
  }
}

function writeCifar100Python(target: string, set: CifarImages): void {
  mkdirSync(target, { recursive: true });
  const content = pickleLikePython2({
    data: set.planar,
    shape: [set.labels.length, 3072],
    labelsKey: 'fine_labels',
    labels: [...relabelled(set, fineOf)],
    more: { coarse_labels: [...relabelled(set, coarseOf)] },
  });
  writeFileSync(path.join(target, 'train'), content);
}
