/** Whole small networks of random shape against finite differences in float64. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSimd } from '../../../src/engine/simd/index.js';
import { Normalisation } from '../../../src/engine/simd/plan/normalisation.js';
import { Arena } from '../../../src/engine/simd/plan/arena.js';
import { KernelLibrary } from '../../../src/engine/simd/kernels/library.js';
import { UNFUSED } from '../../../src/engine/simd/arithmetic.js';
import type { BatchNormalisationLayer, Model } from '../../../src/model/index.js';
import { hashedValues, relativeError } from '../../support/numbers.js';
import { referenceForward, referenceGradient } from '../../support/referenceNetwork.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';
import { tinyBatch, tinyState } from '../engineContract.js';

const TOLERANCE = 1e-4;
const CHECKED_PARAMETERS = 12;

interface RandomNetwork {
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  /** What follows the last layer, by turns; each choice is read modulo what is possible there. */
  readonly choices: readonly { readonly kind: number; readonly channels: number; readonly back: number }[];
  readonly batchSize: number;
}

/** Any list of layers: consumers of earlier layers, sums of what fits, every order of kinds. */
function build({ height, width, inputs, choices }: RandomNetwork): Model {
  const builder = new TinyModelBuilder({ height, width, channels: inputs });
  const made = [builder.convolution(choices[0]?.channels ?? 4)];
  for (const { kind, channels, back } of choices) {
    const input = made[Math.max(0, made.length - 1 - (back % 3))]!;
    const shape = builder.shapeOf(input);
    const mates = made.filter((layer) => {
      const other = builder.shapeOf(layer);
      return (
        other.height === shape.height && other.width === shape.width && other.channels === shape.channels
      );
    });
    const layer = [
      () => builder.convolution(channels, 1, input),
      () => builder.convolution(channels, 2, input),
      () => builder.batchNormalisation(input),
      () => builder.relu(input),
      () => builder.add(input, mates[back % mates.length]!),
      () => builder.shortcut(shape.channels + (channels % 4), back % 2 === 0 ? 1 : 2, input),
    ][kind % 6]!();
    made.push(layer);
  }
  builder.globalAveragePool();
  builder.dense();
  return builder.build();
}

const networks: fc.Arbitrary<RandomNetwork> = fc.record({
  height: fc.oneof(fc.constantFrom(4, 8), fc.integer({ min: 2, max: 7 })),
  width: fc.oneof(fc.constantFrom(4, 8), fc.integer({ min: 2, max: 7 })),
  inputs: fc.integer({ min: 1, max: 5 }),
  choices: fc.array(
    fc.record({ kind: fc.nat(5), channels: fc.integer({ min: 1, max: 9 }), back: fc.nat(5) }),
    { minLength: 1, maxLength: 7 },
  ),
  batchSize: fc.integer({ min: 2, max: 5 }),
});

describe('random networks', () => {
  it.each(['auto', 'simd'] as const)(
    'have the gradient of finite differences, numerics %s',
    async (numerics) => {
      await fc.assert(
        fc.asyncProperty(networks, async (network) => {
          const model = build(network);
          const state = tinyState(model);
          const batch = tinyBatch(model, network.batchSize);
          const engine = await loadSimd(model, { numerics });
          const actual = await engine.gradient(state, batch, [1, 2]);
          const mode = { kind: 'training', dropoutKey: [1, 2] } as const;
          const reference = referenceForward(model, state.parameters, batch.images, batch.labels, mode);
          expect(relativeError([actual.lossSum], [reference.lossSum])).toBeLessThan(TOLERANCE);
          expect(relativeError(actual.batchStatistics, reference.batchStatistics)).toBeLessThan(TOLERANCE);
          const { parameterCount } = model.layout;
          const indices = Array.from({ length: CHECKED_PARAMETERS }, (_, index) =>
            Math.floor((index * parameterCount) / CHECKED_PARAMETERS),
          );
          const expected = referenceGradient(
            model,
            state.parameters,
            batch.images,
            batch.labels,
            mode,
            indices,
          );
          const found = indices.map((index) => actual.gradientSum[index]!);
          expect(relativeError(found, expected)).toBeLessThan(TOLERANCE);
          engine.dispose();
        }),
        { numRuns: 40, seed: 3 },
      );
    },
  );
});

describe('batch normalisation statistics', () => {
  it('keep their accuracy where the mean is a thousand times the deviation', async () => {
    const builder = new TinyModelBuilder({ height: 8, width: 8, channels: 6 });
    builder.batchNormalisation();
    builder.globalAveragePool();
    builder.dense();
    const model = builder.build();
    const layer = model.layers[0] as BatchNormalisationLayer;
    const images = 7;
    const map = { height: 8, width: 8, channels: 8 };
    const arena = new Arena();
    const library = new KernelLibrary(UNFUSED);
    const normalisation = new Normalisation(library, arena, layer, map);
    const region = arena.fixed(images * 8 * 8 * 8);
    await library.compile();
    library.bind(arena.memory);
    const values = hashedValues(images * 8 * 8 * 8, 5).map((value) => 1000 + value);
    arena.view(region).set(values);
    const batchStatistics = new Float32Array(model.layout.statisticCount);
    normalisation.beginMoments();
    for (let image = 0; image < images; image++) {
      normalisation.addMoments(region.byteOffset + image * 8 * 8 * 8 * 4, 1);
    }
    normalisation.finishMoments({
      state: tinyState(model),
      imageCount: images,
      statistics: 'batch',
      dropoutKey: undefined,
      gradientSum: undefined,
      batchStatistics,
    });
    for (let channel = 0; channel < 6; channel++) {
      const ofChannel = Array.from(values).filter((_, index) => index % 8 === channel);
      const mean = ofChannel.reduce((sum, value) => sum + value, 0) / ofChannel.length;
      const squares = ofChannel.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const variance = squares / (ofChannel.length - 1);
      expect(relativeError([batchStatistics[layer.runningMean.offset + channel]!], [mean])).toBeLessThan(
        1e-6,
      );
      expect(
        relativeError([batchStatistics[layer.runningVariance.offset + channel]!], [variance]),
      ).toBeLessThan(1e-5);
    }
  });
});

describe('a network without convolutions', () => {
  it('computes its first micro-batch in memory that is laid out for it', async () => {
    const builder = new TinyModelBuilder({ height: 32, width: 32, channels: 3 });
    builder.globalAveragePool();
    builder.dense();
    const model = builder.build();
    const engine = await loadSimd(model, { numerics: 'simd' });
    const state = tinyState(model);
    const batch = tinyBatch(model, 1);
    const first = await engine.gradient(state, batch, [1, 2]);
    const second = await engine.gradient(state, batch, [1, 2]);
    expect(second.lossSum).toBe(first.lossSum);
    expect(second.gradientSum).toEqual(first.gradientSum);
    engine.dispose();
  });
});
