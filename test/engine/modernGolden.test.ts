/** Networks of layers that came after 2015, against PyTorch. */

import { describe, expect, it } from 'vitest';
import type { EngineFactory } from '../../src/engine/engine.js';
import { loadSimd, simdEngine } from '../../src/engine/simd/index.js';
import { tfjsFactory } from '../../src/engine/tfjs/tfjsFactory.js';
import { wasmBackend } from '../../src/engine/tfjs/wasmBackend.js';
import { readModernGoldens } from '../support/modernNetworks.js';
import { relativeError } from '../support/numbers.js';
import { tensorDistances } from '../support/tensorDistances.js';

const withoutFusing: EngineFactory = {
  ...simdEngine,
  load: (model) => loadSimd(model, { numerics: 'simd' }),
};

describe.each([
  ['simd', simdEngine],
  ['simd without fused multiply-add', withoutFusing],
  ['wasm', tfjsFactory(wasmBackend)],
])('modern networks by %s', (_, factory) => {
  it.each(Object.entries(readModernGoldens()))('%s has the gradient of PyTorch', async (_, golden) => {
    const { model, state, batch } = golden;
    const engine = await factory.load(model);
    const result = await engine.gradient(state, batch, [0, 0]);
    engine.dispose();
    expect(result.correct).toBe(golden.correct);
    expect(relativeError([result.lossSum], [golden.lossSum])).toBeLessThan(1e-6);
    expect(relativeError(result.batchStatistics, golden.batchStatistics)).toBeLessThan(1e-5);
    for (const [name, error] of tensorDistances(model, result.gradientSum, golden.gradientSum)) {
      expect(error, name).toBeLessThan(1e-4);
    }
    for (const { frozen, offset, length } of model.layout.parameters) {
      if (frozen) expect(result.gradientSum.slice(offset, offset + length)).toEqual(new Float32Array(length));
    }
  });
});
