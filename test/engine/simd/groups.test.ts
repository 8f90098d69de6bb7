/** Micro-batches of several groups of images, on maps so large that a group is one or two of them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSimd } from '../../../src/engine/simd/index.js';
import type { Engine, GradientResult, MicroBatch, VersionedState } from '../../../src/engine/engine.js';
import type { Model } from '../../../src/model/index.js';
import { relativeError } from '../../support/numbers.js';
import { referenceGradient } from '../../support/referenceNetwork.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';
import { tinyBatch, tinyState } from '../engineContract.js';

const TOLERANCE = 1e-4;
const CHECKED_PARAMETERS = 12;
const DROPOUT_KEY = [1, 2] as const;

/** What reads a value that a convolution has made and an activation has kept. */
type Reader = (builder: TinyModelBuilder, value: number) => number;

const READERS: Readonly<Record<string, Reader>> = {
  'a shortcut': (builder, value) => builder.shortcut(4, 1, value),
  'a shortcut of stride 2 to more channels': (builder, value) => builder.shortcut(7, 2, value),
  'a maximum': (builder, value) => builder.pool('max-pool', 2, 2, value),
  'a maximum of windows that overlap': (builder, value) => builder.pool('max-pool', 3, 2, value),
  'a mean': (builder, value) => builder.pool('average-pool', 2, 2, value),
  'a convolution': (builder, value) => builder.convolution(5, 1, value),
  'an activation': (builder, value) => builder.activation('gelu', value),
};

/** The readers in this order, each with a pool and a dense layer behind it, whose results are added up. */
function withReaders(
  side: { readonly height: number; readonly width: number },
  activation: 'relu' | 'gelu',
  readers: readonly Reader[],
): Model {
  const builder = new TinyModelBuilder({ ...side, channels: 3 });
  builder.convolution(4);
  const value = activation === 'relu' ? builder.relu() : builder.activation(activation);
  const read = readers.map((reader) => reader(builder, value));
  const logits = read.map((layer) => builder.dense(3, builder.globalAveragePool(layer)));
  logits.reduce((sum, next) => builder.add(sum, next));
  return builder.build();
}

/** The bits, as numbers. */
const bitsOf = ({ gradientSum }: GradientResult): Uint32Array => new Uint32Array(gradientSum.slice().buffer);

/** The gradient, which must have the same bits again after a larger micro-batch, whose numbers stay in memory. */
async function repeatedGradient(
  engine: Engine,
  model: Model,
  state: VersionedState,
  batch: MicroBatch,
): Promise<Float32Array> {
  const result = await engine.gradient(state, batch, DROPOUT_KEY);
  await engine.gradient(state, tinyBatch(model, 4 * batch.labels.length, 9), DROPOUT_KEY);
  expect(bitsOf(await engine.gradient(state, batch, DROPOUT_KEY))).toEqual(bitsOf(result));
  return result.gradientSum;
}

describe('a value that a convolution reads last', () => {
  const SIXTEEN = { height: 16, width: 16 };

  it.each(Object.entries(READERS))(
    'has the gradient of finite differences if %s reads it first',
    async (_, reader) => {
      const model = withReaders(SIXTEEN, 'relu', [reader, READERS['a convolution']!]);
      const [state, batch] = [tinyState(model), tinyBatch(model, 3)];
      const engine = await loadSimd(model);
      const actual = await repeatedGradient(engine, model, state, batch);
      engine.dispose();
      const indices = Array.from({ length: CHECKED_PARAMETERS }, (_, index) =>
        Math.floor((index * model.layout.parameterCount) / CHECKED_PARAMETERS),
      );
      const expected = referenceGradient(
        model,
        state.parameters,
        batch.images,
        batch.labels,
        { kind: 'training', dropoutKey: DROPOUT_KEY },
        indices,
      );
      const found = indices.map((index) => actual[index]!);
      expect(relativeError(found, expected)).toBeLessThan(TOLERANCE);
    },
  );
});

/** The sum of the gradients of the images, one by one. */
async function sumOverImages(
  engine: Engine,
  state: VersionedState,
  { images, labels }: MicroBatch,
): Promise<Float64Array> {
  const sum = new Float64Array(state.parameters.length);
  const length = images.length / labels.length;
  for (let image = 0; image < labels.length; image++) {
    const one = {
      images: images.slice(image * length, (image + 1) * length),
      labels: labels.slice(image, image + 1),
    };
    const { gradientSum } = await engine.gradient(state, one, DROPOUT_KEY);
    gradientSum.forEach((value, index) => (sum[index]! += value));
  }
  return sum;
}

describe('a value with any readers in any order', () => {
  const networks = fc.record({
    side: fc.record({ height: fc.integer({ min: 3, max: 17 }), width: fc.integer({ min: 3, max: 17 }) }),
    activation: fc.constantFrom('relu' as const, 'gelu' as const),
    readers: fc.array(fc.constantFrom(...Object.keys(READERS)), { minLength: 2, maxLength: 4 }),
    batchSize: fc.integer({ min: 2, max: 8 }),
  });

  it('has the gradient that the images have one by one', async () => {
    await fc.assert(
      fc.asyncProperty(networks, async ({ side, activation, readers, batchSize }) => {
        const model = withReaders(
          side,
          activation,
          readers.map((name) => READERS[name]!),
        );
        const [state, batch] = [tinyState(model), tinyBatch(model, batchSize)];
        const engine = await loadSimd(model);
        const expected = await sumOverImages(engine, state, batch);
        const actual = await repeatedGradient(engine, model, state, batch);
        engine.dispose();
        expect(relativeError(actual, expected)).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 40, seed: 5 },
    );
  });
});
