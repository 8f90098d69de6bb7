/** Images per second of the webgpu engine on one adapter, and the time of each kind of kernel. */

import { loadWebgpu, webgpuEngine } from '../src/engine/webgpu/index.js';
import type { PixelBatch, Precision } from '../src/engine/engine.js';
import type { MatrixOperations } from '../src/engine/webgpu/kernels/matrixOperations.js';
import type { Session } from '../src/engine/webgpu/dawn/session.js';
import { KernelTimer } from '../src/engine/webgpu/kernelTimer.js';
import type { RecordedPlan } from '../src/engine/webgpu/recordedPlan.js';
import { buildModel, initialiseModel } from '../src/model/index.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { MICRO_BATCHES_PER_STEP, syntheticPixelBatch } from './syntheticBatch.js';

export interface KernelTime {
  readonly label: string;
  readonly count: number;
  readonly microseconds: number;
}

export interface GpuTimes {
  readonly device: string;
  /** A micro-batch, from the call to the gradient. */
  readonly milliseconds: Spread;
  readonly imagesPerSecond: number;
  /** The part in which the GPU computes; the rest is transfer and the host. */
  readonly computeMilliseconds: number | undefined;
  /** Until the first gradient, including compiling kernels and making buffers. */
  readonly firstMilliseconds: number;
  /** Longest first; undefined if the device has no timestamp queries. */
  readonly kernels: readonly KernelTime[] | undefined;
}

export interface GpuRun {
  readonly model: string;
  readonly microBatch: number;
  readonly warmUps: number;
  readonly repetitions: number;
  readonly device?: string;
  /** Where measured tiles are stored; if left out, the default tiles are used. */
  readonly tuningFolder?: string;
  readonly precision?: Precision;
  readonly matrices?: MatrixOperations;
}

export async function measureGpu(run: GpuRun): Promise<GpuTimes> {
  const found = await webgpuEngine.availability(run.device);
  if (!found.available) throw new Error(`${found.reason}; ${found.remedy}`);
  const model = buildModel(run.model);
  const { tuningFolder: cacheFolder } = run;
  const tuning = cacheFolder === undefined ? undefined : { cacheFolder, mayMeasure: true };
  const { precision, matrices } = run;
  const engine = await loadWebgpu(model, found.device, { precision, matrices }, tuning);
  try {
    const state = initialiseModel(model, 1);
    const batch = syntheticPixelBatch(model, run.microBatch);
    const into = new Float32Array(model.layout.parameterCount); // as a run's workers reuse theirs
    const durationsMs: number[] = [];
    let firstMilliseconds: number | undefined;
    for (let index = -run.warmUps; index < run.repetitions; index++) {
      const version = Math.floor(index / MICRO_BATCHES_PER_STEP);
      const startedMs = performance.now();
      await engine.gradient({ ...state, version }, batch, [1, 2], into);
      const durationMs = performance.now() - startedMs;
      firstMilliseconds ??= durationMs;
      if (index >= 0) durationsMs.push(durationMs);
    }
    const { kernels, computeMilliseconds } = await engine.withPlan(
      { ...state, version: 0 },
      batch,
      profile(batch),
    );
    const milliseconds = spreadOf(durationsMs);
    const imagesPerSecond = (run.microBatch / milliseconds.median) * 1000;
    const { device } = engine.description;
    return {
      ...{ device, milliseconds, imagesPerSecond, computeMilliseconds, kernels },
      firstMilliseconds: firstMilliseconds ?? NaN,
    };
  } finally {
    engine.dispose();
  }
}

const PROFILED_RUNS = 5;

interface Profile {
  readonly kernels: readonly KernelTime[] | undefined;
  readonly computeMilliseconds: number | undefined;
}

/** The whole pass, median of a few; and each kernel. */
const profile =
  (batch: PixelBatch) =>
  async (recorded: RecordedPlan, session: Session): Promise<Profile> => {
    if (!KernelTimer.isSupported(session)) return { kernels: undefined, computeMilliseconds: undefined };
    const wholes: number[] = [];
    for (let run = 0; run < PROFILED_RUNS; run++) {
      const timer = new KernelTimer(session, 'pass');
      await recorded.run(batch, [1, 2], timer);
      for (const { nanoseconds } of await timer.read()) wholes.push(nanoseconds / 1e6);
    }
    const timer = new KernelTimer(session);
    await recorded.run(batch, [1, 2], timer);
    return { kernels: byLabel(await timer.read()), computeMilliseconds: spreadOf(wholes).median };
  };

function byLabel(times: readonly { label: string; nanoseconds: number }[]): KernelTime[] {
  const totals = new Map<string, { count: number; microseconds: number }>();
  for (const { label, nanoseconds } of times) {
    const { count, microseconds } = totals.get(label) ?? { count: 0, microseconds: 0 };
    totals.set(label, { count: count + 1, microseconds: microseconds + nanoseconds / 1000 });
  }
  return [...totals]
    .map(([label, total]) => ({ label, ...total }))
    .sort((left, right) => right.microseconds - left.microseconds);
}
