import { describe, expect, it } from 'vitest';
import { requireSupport } from '../../../src/engine/webgpu/support.js';
import { buildModel } from '../../../src/model/index.js';
import { thrownBy } from '../../support/errors.js';
import { CONVOLUTION_KINDS, MODERN_LAYERS, TINY_MODELS } from '../../support/tinyModels.js';

describe('a layer without a kernel on the GPU', () => {
  it.each([1, 2])('is refused by name, with the reason and another engine: stride %i', (stride) => {
    const model = CONVOLUTION_KINDS[`convolution 3x3, valid, stride ${stride}, with bias`]!;
    const { message } = thrownBy('E_ENGINE_UNAVAILABLE', () => requireSupport(model));
    expect(message).toBe(
      'engine webgpu cannot compute layer layer1: it has no 3x3 convolutions without padding; use engine simd',
    );
  });

  it('is none of the others', () => {
    const { networks } = { networks: { ...TINY_MODELS, ...MODERN_LAYERS, ...CONVOLUTION_KINDS } };
    for (const model of [buildModel('resnet20'), buildModel('notebook')]) requireSupport(model);
    const refused = Object.entries(networks).filter(([name]) => name.startsWith('convolution 3x3, valid'));
    for (const [name, model] of Object.entries(networks)) {
      if (!refused.some(([other]) => other === name)) expect(() => requireSupport(model), name).not.toThrow();
    }
    expect(refused).toHaveLength(2);
  });
});
