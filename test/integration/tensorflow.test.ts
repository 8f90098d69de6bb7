/**
 * Engine `tensorflow` beside `simd`: the same gradients from real images, the same learning, memory that stays flat,
 * and a run that both share. Runs where `lockstep setup tensorflow` has been.
 */

import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { gatherSamples, loadCifar10, measureNormalisation, prepareImages } from '../../src/data/index.js';
import { loadEngine, TENSORFLOW_ENVIRONMENT } from '../../src/engine/index.js';
import type { Engine, MicroBatch } from '../../src/engine/index.js';
import { engineFactory } from '../../src/engine/registry.js';
import { buildModel, initialiseModel } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';
import { leastGrowth } from '../support/growth.js';
import { relativeError } from '../support/numbers.js';
import { tensorDistances } from '../support/tensorDistances.js';
import {
  cifar10Folder,
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
} from './support/lockstep.js';

Object.assign(process.env, { ...TENSORFLOW_ENVIRONMENT, ...process.env });
const data = cifar10Folder();
const availability = await engineFactory('tensorflow').availability();
const missing = availability.available
  ? data === undefined && 'CIFAR-10 is not at LOCKSTEP_CIFAR10_DIR, nor in ../shared/cifar10'
  : `${availability.reason}: ${availability.remedy}`;
if (missing) console.warn(`skipped: engine tensorflow: ${missing}`);

/** Compared one by one. */
const IMAGES = 48;
/** Of a round of the memory test. */
const STEPS = 50;

afterEach(killAll);

describe.skipIf(missing)('engine tensorflow on CIFAR-10', () => {
  let images: (first: number, count: number) => MicroBatch;

  beforeAll(async () => {
    const set = await loadCifar10(data!);
    const normalisation = measureNormalisation(
      set,
      Uint32Array.from({ length: 1000 }, (_, index) => index),
    );
    images = (first, count) => {
      const indices = Uint32Array.from({ length: count }, (_, index) => first + index);
      const { pixels, labels } = gatherSamples(set, indices);
      const options = { pixels, sampleCount: count, normalisation, augmentation: undefined };
      return { images: prepareImages({ ...options, imageShape: set.imageShape }), labels };
    };
  });

  /**
   * Where a value lies within a rounding of zero, its rectifier lets a gradient through in one engine and not in the
   * other, and all weights before it differ by a thousandth and more; the two classes of `simd` itself do. Which values
   * do depends on the processor that TensorFlow finds. For one image that is rare (3 of 48 in ResNet-8 and 7 in
   * ResNet-20, seen on a Zen 3), and without it there is nothing but rounding.
   */
  it.each(['resnet8', 'resnet20'] as const)('has the gradients of simd, in %s', async (name) => {
    const model = buildModel(name);
    const state = { ...initialiseModel(model, 1), version: 1 };
    const distances = await withEngine('simd', model, (simd) =>
      withEngine('tensorflow', model, async (tensorflow) => {
        const found: number[] = [];
        for (let index = 0; index < IMAGES; index++) {
          const batch = images(index, 1);
          const expected = await simd.gradient(state, batch, [1, 2]);
          const actual = await tensorflow.gradient(state, batch, [1, 2]);
          expect(actual.correct).toBe(expected.correct);
          expect(relativeError([actual.lossSum], [expected.lossSum])).toBeLessThan(1e-5);
          expect(relativeError(actual.batchStatistics, expected.batchStatistics)).toBeLessThan(1e-5);
          expect(relativeError(actual.gradientSum, expected.gradientSum)).toBeLessThan(0.3);
          const ofTensors = tensorDistances(model, actual.gradientSum, expected.gradientSum);
          found.push(Math.max(...ofTensors.values()));
        }
        return found;
      }),
    );
    expect(distances.filter((distance) => distance < 1e-4).length).toBeGreaterThan(IMAGES / 2);
  });

  it('takes on no memory with further steps, neither tensors nor resident memory', async () => {
    const model = buildModel('resnet8');
    const state = initialiseModel(model, 1);
    const batch = images(0, 8);
    const tensors = new Set<number>();
    const tf = await import('@tensorflow/tfjs-core'); // its copies in a process share one state
    await withEngine('tensorflow', model, async (engine) => {
      let step = 0;
      const steps = async (): Promise<void> => {
        for (const end = step + STEPS; step < end; step++) {
          await engine.gradient({ ...state, version: step }, batch, [1, step]);
          tensors.add(tf.memory().numTensors);
        }
      };
      // Fifty gradients of 0.3 MB are 15 MB, and fifty sets of activations 500 MB.
      expect(await leastGrowth(steps, () => process.memoryUsage.rss())).toBeLessThan(7e6);
    });
    expect(tensors.size).toBe(1);
  });

  describe('a short run', () => {
    const folder = temporaryFolder();
    const recipe = [
      ...['--dataset', 'cifar10', '--data-dir', data ?? '', '--model', 'resnet8', '--train-limit', '2500'],
      ...['--val-size', '1000', '--epochs', '4', '--schedule', 'onecycle', '--seed', '1'],
    ];
    const chance = 0.1;
    const accuracies: number[] = [];
    afterAll(() => console.log(`validation accuracies: ${accuracies.join(', ')}`));

    it.each(['simd', 'tensorflow'])('of %s alone learns', async (engine) => {
      const runDir = path.join(folder, engine);
      const outcome = await run(['train', ...recipe, '--engine', engine, '--run-dir', runDir]);
      expect(outcome.exitCode, outcome.stderr).toBe(0);
      const result = readResult(runDir);
      expect(result).toMatchObject({ engine, exact: engine === 'simd' });
      accuracies.push(result.bestValidationAccuracy!);
      expect(result.bestValidationAccuracy).toBeGreaterThan(3 * chance);
    });

    it('of both together learns as well, and says that it is not exact', async () => {
      const port = await freePort();
      const runDir = path.join(folder, 'mixed');
      const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', '2', '--workers', '1'];
      const coordinator = start([
        'coordinator',
        ...recipe,
        '--engine',
        'simd',
        '--run-dir',
        runDir,
        ...listen,
      ]);
      const worker = start(['worker', `ws://127.0.0.1:${port}`, '--engine', 'tensorflow']);
      const outcome = await coordinator.finished;
      expect(outcome.exitCode, outcome.stderr).toBe(0);
      expect((await worker.finished).exitCode).toBe(0);
      const result = readResult(runDir);
      expect(result.exact).toBe(false);
      expect(result.numericsClasses).toHaveLength(2);
      const joined = readMetrics(runDir).filter(({ event }) => event === 'worker-joined');
      expect(joined).toHaveLength(2);
      accuracies.push(result.bestValidationAccuracy!);
      expect(Math.abs(result.bestValidationAccuracy! - accuracies[0]!)).toBeLessThan(0.1);
      expect(Math.abs(result.bestValidationAccuracy! - accuracies[1]!)).toBeLessThan(0.1);
    });
  });
});

async function withEngine<Result>(
  name: 'simd' | 'tensorflow',
  model: Model,
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const engine = await loadEngine({ name }, model);
  try {
    return await use(engine);
  } finally {
    engine.dispose();
  }
}
