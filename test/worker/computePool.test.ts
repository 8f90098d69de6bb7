import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { drawMixing, prepareImages } from '../../src/data/index.js';
import { loadEngine, softmaxCrossEntropy } from '../../src/engine/index.js';
import { buildModel, initialiseModel, networkText } from '../../src/model/index.js';
import { ComputePool } from '../../src/worker/index.js';
import { SharedWeights } from '../../src/worker/sharedWeights.js';
import type { ComputeSession, GradientAnswer, ItemTask } from '../../src/worker/task.js';
import { littleEndianBytes } from '../../src/foundation/littleEndian.js';
import { rejectionOf } from '../support/errors.js';
import { hashedLabels, hashedValues } from '../support/numbers.js';

const SAMPLES = 3;
const IMAGE_SHAPE = { height: 32, width: 32, channels: 3 };
const SESSION: ComputeSession = {
  network: networkText(buildModel('resnet8')),
  normalisation: { mean: [0.5, 0.45, 0.4], standardDeviation: [0.25, 0.2, 0.3] },
  augmentation: { cropPadding: 2 },
  labelSmoothing: 0.2,
  evaluationStatistics: 'running',
  evaluationViews: 'none',
  wire: 'float32',
};

const bits = (values: Float32Array): string => Buffer.from(littleEndianBytes(values)).toString('base64');

describe('the threads of a node', () => {
  const pool = new ComputePool({ name: 'wasm' }, 2);
  afterAll(() => pool.close());

  const model = buildModel('resnet8');
  const state = initialiseModel(model, 4);
  const pixels = Uint8Array.from(hashedValues(SAMPLES * 3072, 1), (value) => Math.floor((value + 1) * 128));
  const labels = hashedLabels(SAMPLES, 2, 10);
  const augmentationKey = [5, 6] as const;

  function shared(): SharedWeights {
    const weights = new SharedWeights(model.layout.parameterCount, model.layout.statisticCount);
    weights.replace({
      type: 'parameters',
      wire: 'float32',
      version: 0,
      parameters: littleEndianBytes(state.parameters),
      statistics: littleEndianBytes(state.statistics),
    });
    return weights;
  }

  it.each([
    ['as they are', {}],
    ['of mixed images, with their labels', { mixup: 0.4, colourJitter: 0.2 }],
  ])(
    'compute the gradient that the engine computes in this thread, %s, statistics as sums',
    async (_, more) => {
      const task = {
        kind: 'gradient',
        engine: pool.engine,
        session: { ...SESSION, augmentation: { ...SESSION.augmentation, ...more } },
        state: shared().current!,
        pixels,
        labels,
        augmentationKey,
        mirrored: null,
        dropoutKey: [7, 8],
        microBatch: 0,
        roundingKey: null,
      } as const;
      const answers = await Promise.all([pool.run(task), pool.run(task)]); // one on each thread
      const engine = await loadEngine({ name: 'wasm' }, model);
      const images = prepareImages({
        imageShape: IMAGE_SHAPE,
        pixels,
        sampleCount: SAMPLES,
        normalisation: SESSION.normalisation,
        augmentation: { key: augmentationKey, cropPadding: 2, ...more },
      });
      const { share, partners } = drawMixing(augmentationKey, 0.4, SAMPLES);
      const mixture = { share, labels: Uint8Array.from(partners, (place) => labels[place]!) };
      const batch = { images, labels, labelSmoothing: 0.2, ...('mixup' in more && { mixture }) };
      const expected = await engine.gradient({ version: 1, ...state }, batch, [7, 8]);
      engine.dispose();
      for (const answer of answers) {
        if (answer.kind !== 'gradient') throw new Error(`a ${answer.kind} came`);
        expect(answer).toMatchObject({
          sampleCount: SAMPLES,
          lossSum: expected.lossSum,
          correct: expected.correct,
        });
        expect(bits(answer.gradientSum)).toBe(bits(expected.gradientSum));
        const sums = expected.batchStatistics.map((value) => Math.fround(value * SAMPLES));
        expect(bits(answer.statisticSum)).toBe(bits(sums));
      }
    },
  );

  it('evaluate as the engine does in this thread, without label smoothing', async () => {
    const { normalisation } = SESSION;
    const task = {
      kind: 'evaluate',
      engine: pool.engine,
      session: SESSION,
      state: shared().current!,
    } as const;
    const answer = await pool.run({ ...task, pixels, labels });
    const engine = await loadEngine({ name: 'wasm' }, model);
    const images = prepareImages({
      imageShape: IMAGE_SHAPE,
      pixels,
      sampleCount: SAMPLES,
      normalisation,
      augmentation: undefined,
    });
    const expected = await engine.evaluate({ version: 1, ...state }, { images, labels }, 'running');
    engine.dispose();
    expect(answer).toEqual({ kind: 'evaluation', ...expected });
  });

  it('average the logits of the views of each image, and score the mean', async () => {
    const session: ComputeSession = { ...SESSION, evaluationViews: 'flip' };
    const task = {
      kind: 'evaluate',
      engine: pool.engine,
      session,
      state: shared().current!,
      pixels,
      labels,
    } as const;
    const answer = await pool.run(task);
    if (answer.kind !== 'evaluation') throw new Error(`a ${answer.kind} came`);
    const engine = await loadEngine({ name: 'wasm' }, model);
    const logitsOf = async (mirrored: boolean): Promise<Float32Array> => {
      const images = prepareImages({
        imageShape: IMAGE_SHAPE,
        pixels,
        sampleCount: SAMPLES,
        normalisation: SESSION.normalisation,
        augmentation: undefined,
      });
      const { height, width, channels } = IMAGE_SHAPE;
      const flipped = images.map((_, at) => {
        const [row, column, channel] = [
          Math.floor(at / (width * channels)),
          Math.floor(at / channels) % width,
          at % channels,
        ];
        return images[(row * width + (width - 1 - column)) * channels + channel]!;
      });
      expect(flipped).toHaveLength(SAMPLES * height * width * channels);
      const batch = { images: mirrored ? flipped : images, labels };
      return (await engine.evaluate({ version: 1, ...state }, batch, 'running')).logits;
    };
    const [plain, mirrored] = [await logitsOf(false), await logitsOf(true)];
    engine.dispose();
    const mean = plain.map((logit, at) => 0.5 * logit + 0.5 * mirrored[at]!);
    expect(bits(answer.logits)).toBe(bits(mean));
    const { lossSum, correct } = softmaxCrossEntropy(mean, { labels }, 10);
    expect(answer).toMatchObject({ sampleCount: SAMPLES, lossSum, correct });
  });

  it('leave an answer alone until it is released, and then use its memory again', async () => {
    const task = (seed: number): ItemTask => ({
      kind: 'gradient',
      engine: pool.engine,
      session: SESSION,
      state: shared().current!,
      pixels: pixels.map((value) => value ^ seed),
      labels,
      augmentationKey,
      mirrored: null,
      dropoutKey: [7, 8],
      microBatch: 0,
      roundingKey: null,
    });
    const gradientOf = async (seed: number): Promise<GradientAnswer> => {
      const answer = await pool.run(task(seed));
      if (answer.kind !== 'gradient') throw new Error(`a ${answer.kind} came`);
      return answer;
    };
    const first = await gradientOf(1);
    const before = bits(first.gradientSum);
    const second = await gradientOf(2);
    expect(bits(first.gradientSum)).toBe(before);
    expect(bits(second.gradientSum)).not.toBe(before);
    first.release();
    second.release();
    const memories = [first, second].map(({ gradientSum }) => gradientSum.buffer);
    const third = await gradientOf(1);
    expect(memories).toContain(third.gradientSum.buffer);
    expect(bits(third.gradientSum)).toBe(before);
    third.release();
  });

  it('say what they are', async () => {
    expect(await pool.describe()).toMatchObject({ name: 'wasm', exact: expect.any(Boolean) as boolean });
  });

  it('hand on an error with its code', async () => {
    const task = {
      kind: 'evaluate',
      engine: { name: 'no such engine' as never },
      session: SESSION,
      state: shared().current!,
      pixels,
      labels,
    } as const;
    const error = await rejectionOf('E_OPTION', pool.run(task));
    expect(error.message).toContain('no such engine');
  });

  it('runs a file that imports nothing at its top, so that ending a thread while it loads is safe', () => {
    const source = readFileSync(new URL('../../src/worker/thread.ts', import.meta.url), 'utf8');
    const imports = source.split('\n').filter((line) => /^(import|export .* from)\b/.test(line));
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((line) => !line.startsWith('import type '))).toEqual([]);
  });
});
