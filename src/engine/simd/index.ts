/** The `simd` engine: training in WebAssembly SIMD, the same bits on every machine. See docs/simd.md. */

import { LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import type { EngineFactory } from '../engine.js';
import type { KernelObserver } from './kernels/library.js';
import { PLAIN_NUMERICS, probeNumerics } from './numerics.js';
import { SimdEngine } from './simdEngine.js';

export { SimdEngine } from './simdEngine.js';

export interface SimdOptions {
  /** 'simd' computes without fused multiply-add even if the host has it, to match hosts that do not. */
  readonly numerics: 'auto' | 'simd';
  /** Sees every kernel as it is compiled, and may wrap it: for profiles. */
  readonly observe?: KernelObserver;
}

const REMEDY = 'use Node 20 or later on a 64-bit processor, or engine cpu';

export async function loadSimd(
  model: Model,
  { numerics, observe }: SimdOptions = { numerics: 'auto' },
): Promise<SimdEngine> {
  const probed = await probeNumerics();
  if (probed === undefined) {
    throw new LockstepError('E_ENGINE_UNAVAILABLE', `this host has no WebAssembly SIMD; ${REMEDY}`);
  }
  return SimdEngine.load(model, numerics === 'simd' ? PLAIN_NUMERICS : probed, observe);
}

export const simdEngine: EngineFactory = {
  name: 'simd',
  async availability() {
    const probed = await probeNumerics();
    return probed === undefined
      ? { available: false, reason: 'this host has no WebAssembly SIMD', remedy: REMEDY }
      : { available: true, detail: probed.numericsClass };
  },
  load: (model, numerics = 'auto') => loadSimd(model, { numerics }),
};
