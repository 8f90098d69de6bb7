/**
 * Trained, exported by the command line, run by PyTorch and onnxruntime: the same predictions as `evaluate` makes.
 * LOCKSTEP_EXPORT_IMAGES=10000 compares the whole test set of CIFAR-10.
 */

import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { arrayImageSet, gatherSamples, loadCifar10Test, syntheticTestSet } from '../../src/data/index.js';
import type { ImageSet } from '../../src/data/index.js';
import { readForEvaluation } from '../../src/session/index.js';
import { computeLogits } from '../../src/session/evaluation/computeLogits.js';
import { largestRelativeError } from '../support/numbers.js';
import { cifar10Folder, killAll, run, temporaryFolder } from './support/lockstep.js';
import { pythonFormats, runInPython } from './support/python.js';

const cifar10 = cifar10Folder();
const formats = pythonFormats();
const COUNT = Number(process.env['LOCKSTEP_EXPORT_IMAGES'] ?? 300);
/** Of ten thousand: where two classes are as good as equal. */
const MOST_DIFFERENT = 2;

const folder = temporaryFolder();
let images: ImageSet;

beforeAll(async () => {
  const all = cifar10 === undefined ? syntheticTestSet() : await loadCifar10Test(cifar10);
  const count = Math.min(COUNT, all.sampleCount);
  images = arrayImageSet(
    all.name,
    gatherSamples(
      all,
      Uint32Array.from({ length: count }, (_, i) => i),
    ),
    all,
  );
});
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The logits that `evaluate` finds. */
async function evaluated(runDir: string): Promise<Float32Array> {
  const { logits } = await computeLogits(await readForEvaluation(runDir), images, {
    ...{ engine: 'simd', numerics: 'auto', precision: 'f32', device: undefined, tune: false },
    ...{ workers: 1, isWorkersGiven: true, signal: new AbortController().signal },
    onNotice: () => undefined,
    divergence: () => new Error('not finite'),
  });
  return logits;
}

function predictionsOf(logits: Float32Array, classCount: number): readonly number[] {
  return Array.from({ length: logits.length / classCount }, (_, image) => {
    const row = logits.subarray(image * classCount, (image + 1) * classCount);
    return row.indexOf(Math.max(...row));
  });
}

describe.each([
  ['resnet8'],
  ['resnet20', '--averaging', 'ema'],
  ['notebook', '--lr', '0.01'], // so that ten steps do not end in one class for all
  ['resnet8', '--width', '2'],
  ['resnet8b'],
  ['preresnet8b'],
])('%s %s %s', (model, ...more) => {
  const runDir = path.join(folder, [model, ...more].join(''));

  it('trains', async () => {
    const data =
      cifar10 === undefined ? ['--dataset', 'synthetic'] : ['--dataset', 'cifar10', '--data-dir', cifar10];
    const size = ['--train-limit', '640', '--val-size', '100', '--epochs', '1', '--batch-size', '64'];
    const args = ['train', ...data, '--model', model, ...more, ...size, '--run-dir', runDir];
    expect((await run(args)).exitCode).toBe(0);
  });

  it.skipIf(formats.length === 0)('predicts the same in other frameworks', async () => {
    const expected = await evaluated(runDir);
    const { imageShape, classNames, sampleCount } = images;
    const { pixels } = gatherSamples(
      images,
      Uint32Array.from({ length: sampleCount }, (_, i) => i),
    );
    for (const format of formats) {
      const output = path.join(runDir, format);
      const { exitCode, stderr } = await run(['export', runDir, '--format', format, '-o', output]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      const jobs = [{ format, folder: output, count: sampleCount, inputShape: imageShape, input: pixels }];
      const [logits] = runInPython(jobs) as [Float32Array];
      const wanted = predictionsOf(expected, classNames.length);
      const found = predictionsOf(logits, classNames.length);
      const different = wanted.filter((label, image) => label !== found[image]).length;
      const error = largestRelativeError(logits, expected);
      console.log(
        `${path.basename(runDir)} as ${format}: ${different} of ${sampleCount} predictions differ, logits within ${error.toExponential(1)}`,
      );
      expect(different).toBeLessThanOrEqual(MOST_DIFFERENT);
      expect(error).toBeLessThan(1e-4);
      expect(new Set(wanted).size).toBeGreaterThan(1);
    }
  });
});
