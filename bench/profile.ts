/** Throughput of the simd engine alone on one thread, and where its time goes, beside the limits of the core. */

import { FUSED, UNFUSED } from '../src/engine/simd/arithmetic.js';
import { loadSimd } from '../src/engine/simd/index.js';
import type { SimdOptions } from '../src/engine/simd/index.js';
import { buildModel, initialiseModel } from '../src/model/index.js';
import { KernelProfile } from './kernelProfile.js';
import type { ProfileRow } from './kernelProfile.js';
import { measureLimits } from './limits.js';
import type { MachineLimits } from './limits.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { MICRO_BATCHES_PER_STEP, syntheticBatch } from './syntheticBatch.js';
import { MICRO_BATCH } from './trainRun.js';

const WARM_UPS = 8;
const REPETITIONS = 40;

export interface ModelProfile {
  readonly model: string;
  readonly numericsClass: string;
  readonly repetitions: number;
  /** A micro-batch, without profiling. */
  readonly milliseconds: Spread;
  readonly imagesPerSecond: number;
  readonly arenaBytes: number;
  readonly limits: MachineLimits;
  readonly kinds: readonly ProfileRow[];
  readonly kernels: readonly ProfileRow[];
}

export async function profileModel(model: string, numerics: SimdOptions['numerics']): Promise<ModelProfile> {
  const timing = await time(model, { numerics });
  const profile = new KernelProfile();
  await time(model, { numerics, observe: profile.observe }, profile);
  const milliseconds = spreadOf(timing.durationsMs);
  return {
    model,
    numericsClass: timing.numericsClass,
    repetitions: REPETITIONS,
    milliseconds,
    imagesPerSecond: (MICRO_BATCH / milliseconds.median) * 1000,
    arenaBytes: timing.arenaBytes,
    limits: await measureLimits(timing.numericsClass.startsWith('simd-fma') ? FUSED : UNFUSED),
    kinds: profile.kinds(REPETITIONS),
    kernels: profile.kernels(REPETITIONS),
  };
}

interface Timing {
  readonly durationsMs: number[];
  readonly numericsClass: string;
  readonly arenaBytes: number;
}

async function time(name: string, options: SimdOptions, profile?: KernelProfile): Promise<Timing> {
  const model = buildModel(name);
  const state = initialiseModel(model, 1);
  const batch = syntheticBatch(model, MICRO_BATCH);
  const engine = await loadSimd(model, options);
  const durationsMs: number[] = [];
  for (let step = -WARM_UPS; step < REPETITIONS; step++) {
    if (step === 0) profile?.clear();
    profile?.startMicroBatch();
    const version = Math.floor(step / MICRO_BATCHES_PER_STEP);
    const start = performance.now();
    await engine.gradient({ ...state, version }, batch, [1, 2]);
    if (step >= 0) durationsMs.push(performance.now() - start);
  }
  const { arenaBytes, description } = engine;
  engine.dispose();
  return { durationsMs, numericsClass: description.numericsClass, arenaBytes };
}
