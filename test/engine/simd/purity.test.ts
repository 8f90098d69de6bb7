/** Bits: what they depend on, and that they stay what they are. */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadSimd } from '../../../src/engine/simd/index.js';
import type { GradientResult } from '../../../src/engine/engine.js';
import { buildModel, initialiseModel } from '../../../src/model/index.js';
import { leastGrowth, reachableBytes } from '../../support/growth.js';
import { settled } from '../../support/waiting.js';
import type { Model } from '../../../src/model/index.js';
import { TinyModelBuilder, TINY_MODELS } from '../../support/tinyModels.js';
import { tinyBatch, tinyState } from '../engineContract.js';

/** Loss, gradient and statistics of ResNet-8 with dropout, seed 1, at the micro-batch of `tinyBatch(model, 5)`. */
const GOLDEN_DIGESTS: Readonly<Record<string, string>> = {
  'simd-fma/1': '29c67ab4457fef3c3daac5424f20b135b1999e2db02ee806b9e662347165e3ea',
  'simd/1': 'e308e62fa98674e9ec0a0d44437c8c31d3f26daa4d3567d4d911aaa788282000',
};

/** Of WIDE at the micro-batch of `tinyBatch(WIDE, 6)`. Computed before products were cut into parts, which keeps the bits. */
const WIDE_DIGESTS: Readonly<Record<string, string>> = {
  'simd-fma/1': '043f20a6135093076dbcdd33b3f3ec51c3bf6b97c7be8e1fd08a42acbe7ec64b',
  'simd/1': '7543ae93aaa5b5529755b55966f59af8d336929e5cd6340d52c0f85b5cb5a3b0',
};

function modelOf(
  build: (builder: TinyModelBuilder) => void,
  inputShape = { height: 11, width: 4, channels: 4 },
): Model {
  const builder = new TinyModelBuilder(inputShape);
  build(builder);
  return builder.build();
}

function pooledFeatures(builder: TinyModelBuilder): void {
  builder.shortcut(8, 2);
  builder.convolution(11, 2, undefined, { kernelSize: 2 });
  builder.dropout(0.3);
  builder.globalAveragePool();
}

/** More tiles and channels than one part of a product has, and a rest of each; four groups of images share a call, then two do. */
const WIDE = modelOf(
  (builder) => {
    builder.convolution(64);
    builder.batchNormalisation();
    builder.relu();
    builder.convolution(260);
    builder.batchNormalisation();
    builder.relu();
    builder.convolution(136, 2);
    builder.batchNormalisation();
    builder.relu();
    builder.globalAveragePool();
    builder.dense(3);
  },
  { height: 16, width: 16, channels: 4 },
);

/** 3 classes, so that one of a pixel's 4 floats is padding, where gradients of other values lie before. */
const LOGITS_WITHOUT_DENSE: Readonly<Record<string, Model>> = {
  'logits that are pooled': modelOf((builder) => {
    builder.convolution(10, 1, undefined, { kernelSize: 2 });
    builder.batchNormalisation();
    builder.dropout(0.3);
    builder.pool('average-pool', 3);
    builder.convolution(3, 1, undefined, { kernelSize: 1 });
    builder.globalAveragePool();
  }),
  'logits of a convolution': modelOf((builder) => {
    pooledFeatures(builder);
    builder.convolution(3);
  }),
  'logits that are normalised': modelOf((builder) => {
    pooledFeatures(builder);
    builder.convolution(3);
    builder.batchNormalisation();
  }),
};

function digest({ lossSum, correct, gradientSum, batchStatistics }: GradientResult): string {
  const hash = createHash('sha256');
  hash.update(new Uint8Array(Float64Array.of(lossSum, correct).buffer));
  hash.update(new Uint8Array(gradientSum.buffer)).update(new Uint8Array(batchStatistics.buffer));
  return hash.digest('hex');
}

describe.each(['auto', 'simd'] as const)('bits with numerics %s', (numerics) => {
  const model = buildModel('resnet8', 0.25);
  const state = { ...initialiseModel(model, 1), version: 1 };
  const batch = tinyBatch(model, 5);

  it('are those of the numerics class', async () => {
    const engine = await loadSimd(model, { numerics });
    const { numericsClass } = engine.description;
    if (numerics === 'simd') expect(numericsClass).toBe('simd/1');
    const result = await engine.gradient(state, batch, [1, 2]);
    expect(digest(result)).toBe(GOLDEN_DIGESTS[numericsClass]);
  });

  it('are those of the numerics class where products are computed in parts', async () => {
    const engine = await loadSimd(WIDE, { numerics });
    const result = await engine.gradient({ ...tinyState(WIDE), version: 1 }, tinyBatch(WIDE, 6), [1, 2]);
    expect(digest(result)).toBe(WIDE_DIGESTS[engine.description.numericsClass]);
  });

  it('do not depend on what the engine computed before', async () => {
    const engine = await loadSimd(model, { numerics });
    const expected = digest(await engine.gradient(state, batch, [1, 2]));
    const poisoned = { ...state, parameters: state.parameters.map(() => NaN), version: 2 };
    for (const [before, size] of [
      [{ ...initialiseModel(model, 9), version: 3 }, 1],
      [poisoned, 7], // larger: everything moves in memory
      [poisoned, 2],
      [{ ...initialiseModel(model, 9), version: 4 }, 19],
    ] as const) {
      await engine.gradient(before, tinyBatch(model, size), [5, 6]);
      await engine.evaluate(before, tinyBatch(model, size + 1), 'running');
      expect(digest(await engine.gradient(state, batch, [1, 2]))).toBe(expected);
    }
  });

  it('do not depend on where the caller keeps its arrays', async () => {
    const engine = await loadSimd(model, { numerics });
    const expected = digest(await engine.gradient(state, batch, [1, 2]));
    const moved = new Float32Array(batch.images.length + 3).subarray(3);
    moved.set(batch.images);
    expect(digest(await engine.gradient(state, { ...batch, images: moved }, [1, 2]))).toBe(expected);
  });

  it('of padding channels that hold NaN in one call do not reach the next', async () => {
    const odd = TINY_MODELS['two convolutions']!; // 3, 4 and 5 channels
    const healthy = tinyState(odd);
    const engine = await loadSimd(odd, { numerics });
    const expected = digest(await engine.gradient(healthy, tinyBatch(odd, 3), [1, 2]));
    const poisoned = { ...healthy, parameters: healthy.parameters.map(() => NaN), version: 77 };
    expect((await engine.gradient(poisoned, tinyBatch(odd, 3), [1, 2])).lossSum).toBeNaN();
    expect(digest(await engine.gradient(healthy, tinyBatch(odd, 3), [1, 2]))).toBe(expected);
  });

  it.each(Object.entries(LOGITS_WITHOUT_DENSE))('of NaN in %s do not reach the next call', async (_, odd) => {
    const healthy = tinyState(odd);
    const fresh = await loadSimd(odd, { numerics });
    const expected = digest(await fresh.gradient(healthy, tinyBatch(odd, 3), [1, 2]));
    const engine = await loadSimd(odd, { numerics });
    const poisoned = { ...healthy, parameters: healthy.parameters.map(() => NaN), version: 77 };
    for (const size of [3, 12]) {
      expect((await engine.gradient(poisoned, tinyBatch(odd, size), [1, 2])).lossSum).toBeNaN();
    }
    expect(digest(await engine.gradient(healthy, tinyBatch(odd, 3), [1, 2]))).toBe(expected);
  });
});

describe('memory', () => {
  const model = TINY_MODELS['a residual network']!;
  const STEPS = 200;
  /** What the gradients of these steps take. */
  const LIMIT = STEPS * 4 * model.layout.parameterCount;

  it('holds nothing of earlier steps, neither what came in nor what went out', async () => {
    const engine = await loadSimd(model);
    const seen: WeakRef<object>[] = [];
    const step = async (version: number): Promise<void> => {
      const state = { ...tinyState(model), version };
      const batch = tinyBatch(model, 1 + (version % 8));
      const result = await engine.gradient(state, batch, [version, 0]);
      for (const held of [state.parameters, batch.images, batch.labels, result, result.gradientSum]) {
        seen.push(new WeakRef(held));
      }
    };
    for (let version = 0; version < STEPS; version++) await step(version);
    await settled(); // what was looked at in this turn of the event loop is kept until its end
    reachableBytes(); // collects garbage
    const alive = seen.flatMap((reference, index) => (reference.deref() ? [Math.floor(index / 5)] : []));
    expect(alive.filter((version) => version < STEPS - 2)).toEqual([]);
  });

  it('does not grow with the number of steps', async () => {
    const engine = await loadSimd(model);
    let step = 0;
    const steps = async (): Promise<void> => {
      for (const end = step + STEPS; step < end; step++) {
        const size = 1 + (step % 8);
        await engine.gradient({ ...tinyState(model), version: step }, tinyBatch(model, size), [step, 0]);
      }
    };
    await steps();
    const { arenaBytes } = engine;
    expect(await leastGrowth(steps, reachableBytes)).toBeLessThan(LIMIT);
    expect(engine.arenaBytes).toBe(arenaBytes);
  });

  it('would be seen to grow if each step left something behind', async () => {
    const left: Float32Array[] = [];
    const steps = (): Promise<void> => {
      for (let step = 0; step < STEPS; step++) left.push(new Float32Array(10 * model.layout.parameterCount));
      return Promise.resolve();
    };
    expect(await leastGrowth(steps, reachableBytes)).toBeGreaterThan(LIMIT);
    expect(left.length).toBeGreaterThan(0); // or it would be garbage
  });

  it('does not grow by evaluating many images at once, which gives what evaluating them apart gives', async () => {
    const model = buildModel('resnet8');
    const state = { ...tinyState(model), version: 1 };
    const engine = await loadSimd(model);
    await engine.gradient(state, tinyBatch(model, 32), [1, 2]);
    const { arenaBytes } = engine;
    const batch = tinyBatch(model, 75);
    const whole = await engine.evaluate(state, batch, 'running');
    expect(engine.arenaBytes).toBe(arenaBytes);
    let lossSum = 0;
    let correct = 0;
    for (let image = 0; image < 75; image++) {
      const images = batch.images.slice(image * 3072, (image + 1) * 3072);
      const one = { images, labels: batch.labels.slice(image, image + 1) };
      const result = await engine.evaluate(state, one, 'running');
      lossSum += result.lossSum;
      correct += result.correct;
    }
    expect(whole).toMatchObject({ sampleCount: 75, correct });
    expect(whole.lossSum).toBeCloseTo(lossSum, 9);
  });

  it('that the host cannot give is refused with a remedy, and smaller micro-batches still work', async () => {
    const model = buildModel('resnet110');
    const state = { ...initialiseModel(model, 1), version: 1 };
    const engine = await loadSimd(model);
    const huge = { images: new Float32Array(1000 * 3072), labels: new Uint8Array(1000) };
    await expect(engine.gradient(state, huge, [1, 2])).rejects.toMatchObject({
      code: 'E_ENGINE_FAILED',
      message: expect.stringContaining('use a smaller micro-batch') as string,
    });
    expect((await engine.gradient(state, tinyBatch(model, 1), [1, 2])).sampleCount).toBe(1);
  });
});
