/**
 * Convolutions of half precision, on an emulation of matrix units: what it cannot show is that a device's own give the
 * same, which `gpuMatrices.js` and `gpuParity.js --precision f16` check where there is one.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAdapter, locateDawn } from '../../../src/engine/webgpu/dawn/dawn.js';
import { Session } from '../../../src/engine/webgpu/dawn/session.js';
import { loadWebgpu } from '../../../src/engine/webgpu/index.js';
import { engineFactory } from '../../../src/engine/registry.js';
import type { RandomKey } from '../../../src/foundation/random.js';
import { initialiseModel } from '../../../src/model/index.js';
import { tinyBatch } from '../../engine/engineContract.js';
import { checkLayer } from '../../support/convolutionLayers.js';
import type { LayerSize } from '../../support/convolutionLayers.js';
import { EMULATED_MATRICES } from '../../support/emulatedMatrices.js';
import { relativeError } from '../../support/numbers.js';
import { tensorDistances } from '../../support/tensorDistances.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';
import { describeOnGpu } from './support.js';

const KEY: RandomKey = [5, 6];

/** What rounding to eleven bits explains, of a sum of random products. */
const ROUNDING = 1e-3;

/** Several images in a workgroup and one of them too few, borders, rows beyond the image, two strides. */
const LAYERS: readonly LayerSize[] = [
  { imageCount: 3, height: 8, width: 8, inputs: 32, outputs: 16, stride: 1 },
  { imageCount: 1, height: 9, width: 32, inputs: 16, outputs: 32, stride: 1 },
  { imageCount: 2, height: 16, width: 16, inputs: 16, outputs: 32, stride: 2 },
  { imageCount: 1, height: 15, width: 32, inputs: 32, outputs: 16, stride: 2 },
];

/** A residual network with a strided block, on images with as many channels as matrix products need. */
function network() {
  const builder = new TinyModelBuilder({ height: 8, width: 16, channels: 16 });
  builder.convolution(16);
  builder.batchNormalisation();
  const top = builder.relu();
  builder.convolution(32, 2);
  builder.batchNormalisation();
  builder.relu();
  builder.convolution(32);
  builder.relu(builder.add(builder.batchNormalisation(), builder.shortcut(32, 2, top)));
  builder.globalAveragePool();
  builder.dense(10);
  return builder.build();
}

describeOnGpu('convolutions of half precision', () => {
  let session: Session;

  beforeAll(async () => {
    session = await Session.open((await openAdapter(locateDawn()!, { backend: '', name: '' }))!);
  });

  afterAll(() => session.dispose());

  it.each(LAYERS)('differ from exact sums by rounding: %o', async (size) => {
    const kernels = new Set<string>();
    const options = { session, operations: EMULATED_MATRICES, size, mostTiles: 2 };
    for await (const { kernel, tile, error, momentError = 0 } of checkLayer({
      ...options,
      beside: 'float64',
    })) {
      kernels.add(kernel);
      expect(error, `${kernel} ${tile}`).toBeLessThan(ROUNDING);
      expect(momentError, `${kernel} ${tile}`).toBeLessThan(1e-5);
    }
    expect([...kernels]).toEqual(['forward', 'gradient', 'filter']);
  });

  it('make a network that is near to simd, and the same bits again', async () => {
    const model = network();
    const state = { ...initialiseModel(model, 7), version: 1 };
    const batch = tinyBatch(model, 3);
    const [half, exact] = [
      await loadWebgpu(model, undefined, { matrices: EMULATED_MATRICES }),
      await engineFactory('simd').load(model),
    ];
    try {
      const actual = await half.gradient(state, batch, KEY);
      const labels = await half.withPlan(state, batch, ({ plan }) =>
        Promise.resolve(plan.dispatches.map(({ label }) => label)),
      );
      expect(labels.filter((label) => label.includes(EMULATED_MATRICES.name))).toHaveLength(8);
      const expected = await exact.gradient(state, batch, KEY);
      expect(relativeError([actual.lossSum], [expected.lossSum])).toBeLessThan(1e-2);
      expect(relativeError(actual.batchStatistics, expected.batchStatistics)).toBeLessThan(1e-2);
      // Not by rounding alone: a few values pass a rectifier that did not, or the other way about.
      for (const [name, distance] of tensorDistances(model, actual.gradientSum, expected.gradientSum)) {
        expect(distance, name).toBeLessThan(0.1);
      }
      expect(await half.gradient(state, batch, KEY)).toEqual(actual);
    } finally {
      half.dispose();
      exact.dispose();
    }
  });
});
