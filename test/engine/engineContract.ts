/**
 * What every engine must do, whatever computes inside it. A test file of an engine calls `describeEngineContract` with
 * its factory; the references are float64 finite differences (referenceNetwork.ts) and PyTorch (test/golden/).
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/foundation/errors.js';
import type { RandomKey } from '../../src/foundation/random.js';
import { buildModel, initialiseModel, tensorView } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';
import type {
  Engine,
  EngineFactory,
  GradientResult,
  MicroBatch,
  VersionedState,
} from '../../src/engine/engine.js';
import { readGoldenGradient } from '../support/goldenGradient.js';
import { hashedLabels, hashedValues, largestRelativeError, relativeError } from '../support/numbers.js';
import { referenceForward, referenceGradient } from '../support/referenceNetwork.js';
import { TINY_MODELS } from '../support/tinyModels.js';

export interface EngineContractOptions {
  /** Allowed ||a - b|| / ||b|| of gradients, losses and statistics; default 1e-4. */
  readonly tolerance?: number;
  /** Steps of the memory test; default 200. */
  readonly memorySteps?: number;
  /** Model and micro-batch size of the memory test; default resnet8 and 2. */
  readonly memoryModel?: Model;
  readonly memoryBatchSize?: number;
  /** What the engine holds, such as `{ tensors: 23, bytes: 301160 }`; must be constant from the second step on. */
  readonly memoryInUse?: () => Readonly<Record<string, number>>;
  /** Models to check besides `TINY_MODELS`: shapes that only some engines take. */
  readonly moreModels?: Readonly<Record<string, Model>>;
  /** False leaves out the PyTorch golden gradient, for engines that take minutes over it. */
  readonly golden?: boolean;
}

const DROPOUT_KEY: RandomKey = [11, 22];
const DEFAULT_TOLERANCE = 1e-4;
const RESIDUAL = TINY_MODELS['a residual network']!;

export function describeEngineContract(
  name: string,
  loadFactory: () => Promise<EngineFactory>,
  options: EngineContractOptions = {},
): void {
  const tolerance = options.tolerance ?? DEFAULT_TOLERANCE;
  let factory: EngineFactory;
  const withEngine = async <Result>(
    model: Model,
    use: (engine: Engine) => Promise<Result>,
  ): Promise<Result> => {
    const engine = await factory.load(model);
    try {
      return await use(engine);
    } finally {
      engine.dispose();
    }
  };
  const gradientOf = (model: Model, state: VersionedState, batch: MicroBatch): Promise<GradientResult> =>
    withEngine(model, (engine) => engine.gradient(state, batch, DROPOUT_KEY));

  describe(`engine ${name}`, () => {
    beforeAll(async () => {
      factory = await loadFactory();
    });

    it('is available here and describes itself', async () => {
      expect(await factory.availability()).toMatchObject({ available: true });
      await withEngine(RESIDUAL, (engine) => {
        expect(engine.description.name).toBe(factory.name);
        expect(engine.description.device).not.toBe('');
        expect(engine.description.numericsClass).not.toBe('');
        return Promise.resolve();
      });
    });

    it.each(Object.entries({ ...TINY_MODELS, ...options.moreModels }))(
      'gradient, loss and statistics of %s',
      async (_, model) => {
        const state = tinyState(model);
        const batch = tinyBatch(model, 3);
        expectToMatchReference(model, state, batch, await gradientOf(model, state, batch), tolerance);
      },
    );

    it.each([1, 8, 32])('gradient of a micro-batch of %i', async (batchSize) => {
      const state = tinyState(RESIDUAL);
      const batch = tinyBatch(RESIDUAL, batchSize);
      const indicesPerTensor = 4;
      const result = await gradientOf(RESIDUAL, state, batch);
      expectToMatchReference(RESIDUAL, state, batch, result, tolerance, indicesPerTensor);
    });

    it('gradient and loss with label smoothing', async () => {
      const state = tinyState(RESIDUAL);
      const batch = { ...tinyBatch(RESIDUAL, 3), labelSmoothing: 0.25 };
      const result = await gradientOf(RESIDUAL, state, batch);
      expectToMatchReference(RESIDUAL, state, batch, result, tolerance);
      const { labelSmoothing: _, ...plain } = batch;
      const { gradientSum } = await gradientOf(RESIDUAL, state, plain);
      expect(relativeError(gradientSum, result.gradientSum)).toBeGreaterThan(10 * tolerance);
    });

    it('gradient and loss of mixed images', async () => {
      const state = tinyState(RESIDUAL);
      const { images, labels } = tinyBatch(RESIDUAL, 3);
      for (const share of [0.2, 0.7]) {
        const mixture = { labels: Uint8Array.of(labels[2]!, labels[1]!, labels[0]!), share };
        const batch = { images, labels, labelSmoothing: 0.1, mixture };
        expectToMatchReference(RESIDUAL, state, batch, await gradientOf(RESIDUAL, state, batch), tolerance);
      }
    });

    it.each(['running', 'batch'] as const)('evaluates by %s statistics', async (statistics) => {
      for (const model of [RESIDUAL, TINY_MODELS.dropout!]) {
        const state = tinyState(model);
        const batch = tinyBatch(model, 8);
        const result = await withEngine(model, (engine) => engine.evaluate(state, batch, statistics));
        const mode = { kind: 'evaluation', statistics, runningStatistics: state.statistics } as const;
        const expected = referenceForward(model, state.parameters, batch.images, batch.labels, mode);
        expect(result.sampleCount).toBe(8);
        expect(result.correct).toBe(expected.correct);
        expect(relativeError([result.lossSum], [expected.lossSum])).toBeLessThan(tolerance);
      }
    });

    it.runIf(options.golden ?? true)('gradient of ResNet-8 agrees with PyTorch', async () => {
      const golden = readGoldenGradient();
      const { model } = golden;
      const result = await gradientOf(model, golden.state, golden.batch);
      expect(result.correct).toBe(golden.correct);
      expect(relativeError([result.lossSum], [golden.lossSum])).toBeLessThan(tolerance);
      for (const spec of model.layout.parameters) {
        const actual = tensorView(result.gradientSum, spec);
        const expected = tensorView(golden.gradientSum, spec);
        expect(relativeError(actual, expected), spec.name).toBeLessThan(tolerance);
        expect(largestRelativeError(actual, expected), spec.name).toBeLessThan(tolerance);
      }
      for (const spec of model.layout.statistics) {
        const actual = tensorView(result.batchStatistics, spec);
        expect(relativeError(actual, tensorView(golden.batchStatistics, spec)), spec.name).toBeLessThan(
          tolerance,
        );
      }
    });

    it('is a pure function: equal arguments, equal results, in fresh arrays', async () => {
      const state = tinyState(RESIDUAL);
      const batch = tinyBatch(RESIDUAL, 8);
      const held = structuredClone({ state, batch });
      const once = await gradientOf(RESIDUAL, state, batch);
      await withEngine(RESIDUAL, async (engine) => {
        const first = await engine.gradient(state, batch, DROPOUT_KEY);
        const copy = structuredClone(first);
        const otherState = { ...tinyState(RESIDUAL, 77), version: 2 };
        const other = await engine.gradient(otherState, tinyBatch(RESIDUAL, 3, 5), [3, 4]);
        await engine.evaluate(state, batch, 'running');
        expect(first).toEqual(copy);
        expect(relativeError(other.gradientSum, first.gradientSum)).toBeGreaterThan(0.1);
        first.gradientSum.fill(0);
        first.batchStatistics.fill(0);
        const again = await engine.gradient(state, batch, DROPOUT_KEY);
        expectSameResult(again, copy, engine, tolerance);
        expectSameResult(once, copy, engine, tolerance);
      });
      expect({ state, batch }).toEqual(held);
    });

    it('reads parameters from shared memory, and new values under a new version', async () => {
      const state = tinyState(RESIDUAL);
      const batch = tinyBatch(RESIDUAL, 3);
      const shared = new Float32Array(new SharedArrayBuffer(state.parameters.byteLength));
      shared.set(tinyState(RESIDUAL, 77).parameters);
      await withEngine(RESIDUAL, async (engine) => {
        const expected = await engine.gradient(state, batch, DROPOUT_KEY);
        const other = await engine.gradient({ ...state, parameters: shared, version: 2 }, batch, DROPOUT_KEY);
        expect(relativeError(other.gradientSum, expected.gradientSum)).toBeGreaterThan(0.1);
        shared.set(state.parameters);
        const actual = await engine.gradient(
          { ...state, parameters: shared, version: 3 },
          batch,
          DROPOUT_KEY,
        );
        expectSameResult(actual, expected, engine, tolerance);
      });
    });

    it('holds no more memory after many steps than after the first', async () => {
      const model = options.memoryModel ?? buildModel('resnet8');
      const state = initialiseModel(model, 1);
      const batch = tinyBatch(model, options.memoryBatchSize ?? 2);
      const inUse = options.memoryInUse ?? ((): Readonly<Record<string, number>> => ({}));
      const atRest = inUse();
      await withEngine(model, async (engine) => {
        let afterFirst: unknown;
        for (let step = 0; step < (options.memorySteps ?? 200); step++) {
          await engine.gradient({ ...state, version: step }, batch, DROPOUT_KEY);
          await engine.evaluate({ ...state, version: step }, batch, 'running');
          afterFirst ??= inUse();
          expect(inUse()).toEqual(afterFirst);
        }
      });
      const { heapBytes: _restHeap, ...restWithoutHeap } = atRest; // a heap does not shrink
      expect(inUse()).toMatchObject(restWithoutHeap);
    });

    it('refuses to work after dispose', async () => {
      const engine = await factory.load(RESIDUAL);
      engine.dispose();
      const call = engine.gradient(tinyState(RESIDUAL), tinyBatch(RESIDUAL, 1), DROPOUT_KEY);
      await expect(call).rejects.toThrow(LockstepError);
    });

    let late: Engine | undefined;
    it('serves several engines at once', async () => {
      late = await factory.load(RESIDUAL);
      const model = TINY_MODELS.dropout!;
      const [ours, theirs] = await Promise.all([
        late.gradient(tinyState(RESIDUAL), tinyBatch(RESIDUAL, 3), DROPOUT_KEY),
        gradientOf(model, tinyState(model), tinyBatch(model, 3)),
      ]);
      expectToMatchReference(RESIDUAL, tinyState(RESIDUAL), tinyBatch(RESIDUAL, 3), ours, tolerance, 4);
      expectToMatchReference(model, tinyState(model), tinyBatch(model, 3), theirs, tolerance, 4);
    });
    afterAll(() => late?.dispose());
  });
}

/** Parameters of order one, running variances well above zero. */
export function tinyState(model: Model, seed = 1): VersionedState {
  const statistics = hashedValues(model.layout.statisticCount, seed + 1_000_000, 0.5);
  for (const spec of model.layout.statistics) {
    if (!spec.name.endsWith('runningVariance')) continue;
    const variance = tensorView(statistics, spec);
    variance.forEach((value, channel) => (variance[channel] = 1 + value));
  }
  return { parameters: hashedValues(model.layout.parameterCount, seed, 0.6), statistics, version: seed };
}

export function tinyBatch(model: Model, batchSize: number, seed = 2): MicroBatch {
  const { height, width, channels } = model.inputShape;
  return {
    images: hashedValues(batchSize * height * width * channels, seed + 2_000_000),
    labels: hashedLabels(batchSize, seed + 3_000_000, model.classCount),
  };
}

function expectToMatchReference(
  model: Model,
  state: VersionedState,
  batch: MicroBatch,
  actual: GradientResult,
  tolerance: number,
  indicesPerTensor = 24,
): void {
  const { labelSmoothing = 0, mixture } = batch;
  const mode = { kind: 'training', dropoutKey: DROPOUT_KEY, labelSmoothing, mixture } as const;
  const reference = referenceForward(model, state.parameters, batch.images, batch.labels, mode);
  expect(actual.sampleCount).toBe(batch.labels.length);
  expect(actual.correct).toBe(reference.correct);
  expect(relativeError([actual.lossSum], [reference.lossSum])).toBeLessThan(tolerance);
  expect(relativeError(actual.batchStatistics, reference.batchStatistics)).toBeLessThan(tolerance);
  expect(actual.gradientSum.length).toBe(model.layout.parameterCount);
  for (const spec of model.layout.parameters) {
    if (spec.frozen) {
      expect(
        tensorView(actual.gradientSum, spec).every((value) => value === 0),
        spec.name,
      ).toBe(true);
      continue;
    }
    const indices = spread(spec.offset, spec.length, indicesPerTensor);
    const expected = referenceGradient(model, state.parameters, batch.images, batch.labels, mode, indices);
    const found = indices.map((index) => actual.gradientSum[index]!);
    expect(relativeError(found, expected), spec.name).toBeLessThan(tolerance);
  }
}

/** Up to `count` indices, evenly over a tensor. */
function spread(offset: number, length: number, count: number): number[] {
  const taken = Math.min(count, length);
  return Array.from({ length: taken }, (_, index) => offset + Math.floor((index * length) / taken));
}

/** Equal bits of an exact engine, equal within the tolerance of another. */
function expectSameResult(
  actual: GradientResult,
  expected: GradientResult,
  engine: Engine,
  tolerance: number,
): void {
  if (engine.description.exact) return expect(actual).toEqual(expected);
  expect(relativeError(actual.gradientSum, expected.gradientSum)).toBeLessThan(tolerance);
  expect(relativeError([actual.lossSum], [expected.lossSum])).toBeLessThan(tolerance);
}
