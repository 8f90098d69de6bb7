/** Networks with every kind of layer in every place, with weights and statistics as if they were trained. */

import { measureNormalisation } from '../../src/data/index.js';
import type { ExportedModel } from '../../src/export/index.js';
import { buildModel, digestState, initialiseModel, networkFrom } from '../../src/model/index.js';
import type { LayerEntry, Model, ModelState } from '../../src/model/index.js';
import { hashedValues } from './numbers.js';
import { CONVOLUTION_KINDS, MODERN_LAYERS, ODD_LISTS, ODD_SIDES, TINY_MODELS } from './tinyModels.js';
import { referenceForward } from './referenceNetwork.js';
import { syntheticTestSet } from '../../src/data/index.js';

/** Names that Python and PyTorch cannot take, that hold one another, or that formats use themselves. */
const ODD_NAMES: readonly LayerEntry[] = [
  { kind: 'convolution', name: 'images.weight', input: 'images', channels: 4, bias: true },
  { kind: 'batch-normalisation', name: 'a-b.c', input: 'images.weight' },
  { kind: 'relu', name: 'a_b.c', input: 'a-b.c' },
  { kind: 'convolution', name: 'a', channels: 4 },
  { kind: 'convolution', name: 'a.b', channels: 4 },
  { kind: 'add', name: 'forward', other: 'a' },
  { kind: 'batch-normalisation', name: 'lambda.train' },
  { kind: 'gelu', name: 'lambda.1..x.' },
  { kind: 'convolution', name: 'p.q.r', channels: 4 },
  { kind: 'relu', name: 'p.q.s' },
  { kind: 'convolution', name: 'p.t', channels: 4 },
  { kind: 'silu', name: 'p.u', input: 'p.q.s' },
  { kind: 'add', name: 'both', other: 'p.t' },
  { kind: 'relu', name: 'logits.weight' },
  { kind: 'global-average-pool', name: 'logits.output' },
  { kind: 'dense', name: 'logits', channels: 3 },
];

/** Vectors where maps are usual, and maps where vectors are. */
const ODD_FORMS: readonly LayerEntry[] = [
  { kind: 'convolution', name: 'conv', channels: 4, kernelSize: 3, padding: 'valid' },
  { kind: 'max-pool', name: 'pool', size: 3 },
  { kind: 'batch-normalisation', name: 'norm1' },
  { kind: 'dense', name: 'dense1', channels: 6 },
  { kind: 'batch-normalisation', name: 'norm2' },
  { kind: 'celu', name: 'celu', alpha: 0.4 },
  { kind: 'convolution', name: 'point', channels: 6, kernelSize: 1, bias: true },
  { kind: 'add', name: 'sum', other: 'celu' },
  { kind: 'global-average-pool', name: 'mean' },
  { kind: 'shortcut', name: 'wider', channels: 8, stride: 2 },
  { kind: 'dropout', name: 'dropout', rate: 0.5 },
  { kind: 'convolution', name: 'logits', channels: 3, kernelSize: 2 },
];

function ofLayers(layers: readonly LayerEntry[]): Model {
  const inputShape = { height: 6, width: 7, channels: 3 };
  return networkFrom({ name: 'odd', inputShape, classNames: ['a "b"', "c'd\\", 'é 🙂'], layers }, 'odd');
}

const OWN: Readonly<Record<string, Model>> = {
  'names that no language takes': ofLayers(ODD_NAMES),
  'vectors as maps, maps as vectors': networkFrom(
    {
      name: 'forms',
      inputShape: { height: 6, width: 5, channels: 2 },
      classNames: ['a', 'b', 'c'],
      layers: ODD_FORMS,
    },
    'forms',
  ),
};

export const TINY_EXPORTS: Readonly<Record<string, Model>> = {
  ...TINY_MODELS,
  ...ODD_SIDES,
  ...ODD_LISTS,
  ...MODERN_LAYERS,
  ...CONVOLUTION_KINDS,
  ...OWN,
};

export const PRESET_EXPORTS: Readonly<Record<string, Model>> = Object.fromEntries(
  ['resnet8', 'resnet20b', 'resnet8x2', 'preresnet8', 'preresnet14b', 'wrn-10-2', 'notebook', 'fast94'].map(
    (name) => [name, buildModel(name, name === 'resnet8' ? 0.2 : 0)],
  ),
);

/** Weights from the seed, and whatever else training would have changed. */
export function trainedState(model: Model): ModelState {
  const { parameters, statistics } = initialiseModel(model, 7);
  const noise = hashedValues(parameters.length, 11, 0.1);
  for (const { spec, low, high, of } of trainedParts(model, { parameters, statistics })) {
    for (let index = spec.offset; index < spec.offset + spec.length; index++) {
      of[index] = low + ((noise[index % noise.length]! + 0.1) / 0.2) * (high - low);
    }
  }
  return { parameters, statistics };
}

function trainedParts(
  { layers }: Model,
  { parameters, statistics }: ModelState,
): readonly {
  readonly spec: { readonly offset: number; readonly length: number };
  readonly low: number;
  readonly high: number;
  readonly of: Float32Array;
}[] {
  return layers.flatMap((layer) => {
    if (layer.kind === 'batch-normalisation') {
      return [
        { spec: layer.scale, low: 0.6, high: 1.4, of: parameters },
        { spec: layer.shift, low: -0.3, high: 0.3, of: parameters },
        { spec: layer.runningMean, low: -0.2, high: 0.2, of: statistics },
        { spec: layer.runningVariance, low: 0.5, high: 2, of: statistics },
      ];
    }
    if ((layer.kind === 'convolution' || layer.kind === 'dense') && layer.bias) {
      return [{ spec: layer.bias, low: -0.2, high: 0.2, of: parameters }];
    }
    return [];
  });
}

const NORMALISATION = measureNormalisation(syntheticTestSet(), Uint32Array.of(0, 1, 2));

export function exportedModel(model: Model): ExportedModel {
  const state = trainedState(model);
  const { channels } = model.inputShape;
  const normalisation = {
    mean: Array.from({ length: channels }, (_, channel) => NORMALISATION.mean[channel % 3]!),
    standardDeviation: Array.from(
      { length: channels },
      (_, channel) => NORMALISATION.standardDeviation[channel % 3]!,
    ),
  };
  return { model, state, normalisation, weightsSha256: digestState(state) };
}

/** Prepared images, (count, H, W, C), and what the definition in float64 makes of them. */
export function expectedLogits(
  { model, state }: ExportedModel,
  count: number,
): { readonly images: Float32Array; readonly logits: Float64Array } {
  const { height, width, channels } = model.inputShape;
  const images = hashedValues(count * height * width * channels, 5, 2);
  const { logits } = referenceForward(model, state.parameters, images, new Uint8Array(count), {
    kind: 'evaluation',
    statistics: 'running',
    runningStatistics: state.statistics,
  });
  return { images, logits };
}
