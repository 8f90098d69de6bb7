/** The networks of the golden files, and a few more that cover every kernel, with inputs from formulas. */

import type { MicroBatch, VersionedState } from '../../../../src/engine/engine.js';
import type { RandomKey } from '../../../../src/foundation/random.js';
import { buildModel, initialiseModel } from '../../../../src/model/index.js';
import type { Model } from '../../../../src/model/index.js';
import { readGoldenGradient } from '../../../support/goldenGradient.js';
import { fast94, readModernGoldens } from '../../../support/modernNetworks.js';
import { hashedLabels, hashedValues } from '../../../support/numbers.js';
import {
  CONVOLUTION_KINDS,
  MODERN_LAYERS,
  ODD_LISTS,
  ODD_SIDES,
  TINY_MODELS,
} from '../../../support/tinyModels.js';
import { toBase64 } from './job.js';
import type { Job } from './job.js';

interface Work {
  readonly model: Model;
  readonly state: VersionedState;
  readonly batch: MicroBatch;
}

const DROPOUT_KEY: RandomKey = [11, 22];

/** The first step of a training from seed 3. */
function atStart(model: Model, batchSize: number): Work {
  const { height, width, channels } = model.inputShape;
  return {
    model,
    state: { ...initialiseModel(model, 3), version: 1 },
    batch: {
      images: hashedValues(batchSize * height * width * channels, 2_000_000),
      labels: hashedLabels(batchSize, 3_000_000, model.classCount),
    },
  };
}

const { fast94: narrow, mixed } = readModernGoldens();
const WORK: Readonly<Record<string, Work>> = {
  'ResNet-8 of gradient.py': readGoldenGradient(),
  'fast94 of modern.py': narrow,
  'mixed of modern.py': mixed,
  'ResNet-14 of the golden training': atStart(buildModel('resnet14', 0.1), 16),
  'ResNet-20': atStart(buildModel('resnet20', 0.1), 32),
  'fast94, wide': atStart(fast94([64, 256, 256], 'valid'), 4),
  ...Object.fromEntries(
    Object.entries({
      ...TINY_MODELS,
      ...ODD_SIDES,
      ...ODD_LISTS,
      ...MODERN_LAYERS,
      ...CONVOLUTION_KINDS,
    }).map(([name, model]) => [name, atStart(model, 5)]),
  ),
};

/** Each network with fused multiply-add, where the host has it, and without. */
export const JOBS: readonly Job[] = Object.entries(WORK).flatMap(([name, { model, state, batch }]) =>
  (['auto', 'simd'] as const).map((numerics) => ({
    name: `${name}, numerics ${numerics}`,
    ...{ model, numerics, dropoutKey: DROPOUT_KEY },
    parameters: toBase64(state.parameters),
    statistics: toBase64(state.statistics),
    images: toBase64(batch.images),
    labels: toBase64(batch.labels),
  })),
);
