import { describe, expect, it } from 'vitest';
import { forward } from '../../src/check/start/forward.js';
import { initialiseModel, buildModel } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';
import { referenceForward } from '../support/referenceNetwork.js';
import { CONVOLUTION_KINDS, MODERN_LAYERS, ODD_LISTS, TINY_MODELS } from '../support/tinyModels.js';

function compare(model: Model, samples: number): void {
  const { height, width, channels } = model.inputShape;
  const { parameters } = initialiseModel(model, 3);
  const images = Float32Array.from({ length: samples * height * width * channels }, (_, at) =>
    Math.sin(7 * at),
  );
  const labels = new Uint8Array(samples);
  const mode = { kind: 'evaluation', statistics: 'batch' } as const;
  const { logits } = referenceForward(model, parameters, images, labels, mode);
  const outputs = forward(model, parameters, images);
  expect(outputs).toHaveLength(model.layers.length);
  outputs.at(-1)!.forEach((value, at) => expect(value).toBeCloseTo(logits[at]!, 5));
}

describe('the outputs of every layer', () => {
  it.each(Object.entries({ ...TINY_MODELS, ...MODERN_LAYERS, ...ODD_LISTS, ...CONVOLUTION_KINDS }))(
    'are those of the reference: %s',
    (_, model) => compare(model, 2),
  );
  it('are those of the reference: resnet8', () => compare(buildModel('resnet8'), 1));
});
