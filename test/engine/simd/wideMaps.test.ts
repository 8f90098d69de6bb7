/** Maps of many channels: kernels go through them in a loop, because hosts limit the length of a function. */

import { describe, expect, it } from 'vitest';
import type { VersionedState } from '../../../src/engine/engine.js';
import { UNFUSED } from '../../../src/engine/simd/arithmetic.js';
import { loadSimd } from '../../../src/engine/simd/index.js';
import { emitChannelSums } from '../../../src/engine/simd/kernels/channelSums.js';
import { KernelLibrary } from '../../../src/engine/simd/kernels/library.js';
import type { Kernel } from '../../../src/engine/simd/kernels/library.js';
import { emitMoments } from '../../../src/engine/simd/kernels/moments.js';
import { NORMALISATION_ROWS } from '../../../src/engine/simd/kernels/pixelPass.js';
import { emitPool } from '../../../src/engine/simd/kernels/pool.js';
import type { MapShape } from '../../../src/engine/simd/kernels/shapes.js';
import {
  forwardKernel,
  gradientKernel,
  normalisationBackwardKernel,
} from '../../../src/engine/simd/plan/pixelKernels.js';
import { vector } from '../../../src/foundation/wasm/expressions.js';
import { newMemory } from '../../../src/foundation/wasm/host.js';
import { NETWORK_LIMITS } from '../../../src/model/index.js';
import type { Model } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';
import { hashedValues, relativeError } from '../../support/numbers.js';
import { referenceForward } from '../../support/referenceNetwork.js';
import type { ReferenceResult } from '../../support/referenceNetwork.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';
import { tinyBatch, tinyState } from '../engineContract.js';

const TRAINING = { kind: 'training', dropoutKey: [1, 2] } as const;

const GELU = { kind: 'gelu' } as const;
const HEIGHT = 2;
const WIDTH = 3;
const IMAGES = 2;
const PIXELS = IMAGES * HEIGHT * WIDTH;

/** A kernel with the rows of each operand, (rows, channels); its last parameter is the image count. */
interface ChannelKernel {
  readonly rows: readonly number[];
  readonly make: (library: KernelLibrary, map: MapShape) => Kernel;
}

const plain = { sourcePadded: false, addendPadded: false, resultPadded: false } as const;
const KERNELS: Readonly<Record<string, ChannelKernel>> = {
  'normalisation, sum and GELU': {
    rows: [PIXELS, NORMALISATION_ROWS, PIXELS, PIXELS],
    make: (library, map) =>
      forwardKernel(library, { map, normalise: true, addend: true, relu: false, smooth: GELU, ...plain }),
  },
  'the gradient of GELU, with sums': {
    rows: [PIXELS, PIXELS, 0, PIXELS, NORMALISATION_ROWS, PIXELS, 2],
    make: (library, map) =>
      gradientKernel(library, {
        ...{ map, sourcePadded: false, addend: true, mask: 'none', sums: true, resultsPadded: false },
        smooth: { activation: GELU, normalise: true, inputPadded: false, addend: 'none' },
      }),
  },
  'the gradient of ReLU, with sums': {
    rows: [PIXELS, 0, 0, PIXELS, NORMALISATION_ROWS, PIXELS, 2],
    make: (library, map) =>
      gradientKernel(library, {
        ...{ map, sourcePadded: false, addend: false, mask: 'normalised', sums: true, resultsPadded: false },
      }),
  },
  'the gradient of normalisation': {
    rows: [PIXELS, PIXELS, NORMALISATION_ROWS, PIXELS],
    make: (library, map) => normalisationBackwardKernel(library, map, false),
  },
  moments: {
    rows: [PIXELS, 2],
    make: (library, map) => library.kernel('moments', 3, emitMoments(map)),
  },
  'sums of channels': {
    rows: [PIXELS, 1],
    make: (library, map) => library.kernel('channel sums', 3, emitChannelSums(map)),
  },
  'global pooling': {
    rows: [PIXELS, IMAGES],
    make: (library, map) => library.kernel('pool', 3, emitPool(map)),
  },
};

/** All operands after a call with these: results overwrite theirs. */
async function compute(
  { make }: ChannelKernel,
  channels: number,
  operands: readonly Float32Array[],
): Promise<Float32Array[]> {
  const library = new KernelLibrary(UNFUSED);
  const kernel = make(library, { height: HEIGHT, width: WIDTH, channels });
  await library.compile();
  const memory = newMemory(16, 16);
  library.bind(memory);
  let end = 0;
  const views = operands.map((values) => {
    const view = new Float32Array(memory.buffer, end, values.length);
    view.set(values);
    end += values.byteLength;
    return view;
  });
  kernel.run(...views.map(({ byteOffset }) => byteOffset), IMAGES);
  return views.map((view) => view.slice());
}

/** Channels from `first` on, of an operand (rows, channels). */
function sliced(operand: Float32Array, channels: number, first: number, count: number): Float32Array {
  const isOfSlice = (index: number): boolean => index % channels >= first && index % channels < first + count;
  return operand.filter((_, index) => isOfSlice(index));
}

describe('kernels of wide maps', () => {
  const CHANNELS = 300; // four turns of a loop, and a rest that is no whole turn
  const SLICE = 20;

  it.each(Object.entries(KERNELS))(
    'compute for each channel what those of narrow maps do: %s',
    async (_, kernel) => {
      const operands = kernel.rows.map((rows, index) => hashedValues(rows * CHANNELS, 1000 * index));
      const wide = await compute(kernel, CHANNELS, operands);
      expect(wide).not.toEqual(operands);
      for (let first = 0; first < CHANNELS; first += SLICE) {
        const slice = (operand: Float32Array): Float32Array => sliced(operand, CHANNELS, first, SLICE);
        expect(await compute(kernel, SLICE, operands.map(slice))).toEqual(wide.map(slice));
      }
    },
  );

  it('are refused by name where the host does not compile them', async () => {
    const library = new KernelLibrary(UNFUSED);
    library.kernel('small', 1, (f) => f.variable(vector(0)));
    library.kernel('too large', 1, (f) => {
      for (let index = 0; index < 50_001; index++) f.variable(vector(0));
    });
    const { message } = await rejectionOf('E_ENGINE_UNAVAILABLE', library.compile());
    expect(message).toMatch(/kernel "too large" does not compile here: .*local count.*; use another engine/);
  });
});

/** Every kind of layer on maps of so many channels. */
function wideModel(channels: number): Model {
  const builder = new TinyModelBuilder({ height: 2, width: 4, channels: 3 });
  builder.convolution(channels, 1, undefined, { kernelSize: 1, bias: true });
  builder.activation('gelu');
  builder.batchNormalisation();
  const stem = builder.activation('silu');
  const left = builder.pool('max-pool', 2, 1);
  builder.add(left, builder.pool('average-pool', 2, 1, stem));
  const sum = builder.relu();
  const shortcut = builder.shortcut(channels, 2, sum);
  builder.convolution(4, 2, sum);
  builder.convolution(channels);
  const branch = builder.batchNormalisation();
  builder.activation('celu', builder.add(branch, shortcut));
  builder.batchNormalisation();
  builder.relu();
  builder.globalAveragePool();
  builder.dense();
  return builder.build();
}

/** How fast the loss grows along the gradient: by its length, and by central differences of the loss. */
async function slopesAlong(
  gradient: Float32Array,
  { parameters }: VersionedState,
  step: number,
  lossOf: (parameters: Float64Array) => number | Promise<number>,
): Promise<readonly [number, number]> {
  const length = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
  const lossAt = (distance: number): number | Promise<number> =>
    lossOf(Float64Array.from(parameters, (value, index) => value + (distance * gradient[index]!) / length));
  return [length, ((await lossAt(step)) - (await lossAt(-step))) / (2 * step)];
}

describe('networks of wide maps', () => {
  it('have the gradient of finite differences', async () => {
    const model = wideModel(300);
    const [state, batch] = [tinyState(model), tinyBatch(model, 2)];
    const engine = await loadSimd(model);
    const actual = await engine.gradient(state, batch, TRAINING.dropoutKey);
    engine.dispose();
    const run = (parameters: ArrayLike<number>): ReferenceResult =>
      referenceForward(model, parameters, batch.images, batch.labels, TRAINING);
    const reference = run(state.parameters);
    expect(relativeError([actual.lossSum], [reference.lossSum])).toBeLessThan(1e-4);
    expect(relativeError(actual.batchStatistics, reference.batchStatistics)).toBeLessThan(1e-4);
    const lossOf = (parameters: Float64Array): number => run(parameters).lossSum;
    const [length, slope] = await slopesAlong(actual.gradientSum, state, 1e-5, lossOf);
    expect(relativeError([length], [slope])).toBeLessThan(1e-4);
  });

  it('compile with as many channels as a network may have, and have the gradient of their loss', async () => {
    const model = wideModel(NETWORK_LIMITS.channels);
    const [state, batch] = [tinyState(model), tinyBatch(model, 2)];
    const engine = await loadSimd(model);
    const { gradientSum } = await engine.gradient(state, batch, TRAINING.dropoutKey);
    let version = state.version;
    const lossOf = async (parameters: Float64Array): Promise<number> => {
      const moved = { ...state, parameters: Float32Array.from(parameters), version: ++version };
      return (await engine.evaluate(moved, batch, 'batch')).lossSum;
    };
    const [length, slope] = await slopesAlong(gradientSum, state, 1e-3, lossOf);
    expect(relativeError([length], [slope])).toBeLessThan(1e-2);
    engine.dispose();
  });

  it('are refused where their weights do not fit into a memory', async () => {
    const builder = new TinyModelBuilder({ height: 8, width: 8, channels: 3 });
    builder.convolution(2090, 1, undefined, { kernelSize: 1 });
    builder.convolution(2090, 2);
    builder.globalAveragePool();
    builder.dense();
    const { message } = await rejectionOf('E_ENGINE_UNAVAILABLE', loadSimd(builder.build()));
    expect(message).toMatch(/take \d+ MB in the simd engine, which has at most 4,295 MB/);
  });
});
