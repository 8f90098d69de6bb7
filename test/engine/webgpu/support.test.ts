import { describe, expect, it } from 'vitest';
import { requireSupport } from '../../../src/engine/webgpu/support.js';
import { buildModel } from '../../../src/model/index.js';
import { thrownBy } from '../../support/errors.js';
import { CONVOLUTION_KINDS, MODERN_LAYERS, TINY_MODELS } from '../../support/tinyModels.js';

describe('layers without kernels on the GPU', () => {
  it.each([
    ['max pooling', MODERN_LAYERS['max pooling']!, 'layers of kind max-pool'],
    ['GELU', MODERN_LAYERS['gelu alone']!, 'layers of kind gelu'],
    [
      'a 2x2 kernel',
      CONVOLUTION_KINDS['convolution 2x2, valid, stride 1, with bias']!,
      'convolutions of 2x2',
    ],
    [
      'a kernel without padding',
      CONVOLUTION_KINDS['convolution 3x3, valid, stride 1, with bias']!,
      'convolutions without padding',
    ],
    ['a bias', CONVOLUTION_KINDS['convolution 3x3, same, stride 1, with bias']!, 'convolutions with a bias'],
    ['frozen tensors', CONVOLUTION_KINDS['frozen weights and a frozen shift in between']!, 'frozen tensors'],
  ])('%s: the refusal names the layer, the reason and another engine', (_, model, reason) => {
    const error = thrownBy('E_ENGINE_UNAVAILABLE', () => requireSupport(model));
    expect(error.message).toMatch(/^engine webgpu cannot compute layer layer\d+: it has no /);
    expect(error.message).toContain(reason);
    expect(error.message).toContain('--engine simd');
  });

  it('are in none of the networks that Lockstep trains by name', () => {
    for (const model of [buildModel('resnet20'), buildModel('notebook'), ...Object.values(TINY_MODELS)]) {
      expect(() => requireSupport(model)).not.toThrow();
    }
  });
});
