/** Images per second of the webgpu engine on one adapter, and the time of each kind of kernel. */

import { loadWebgpu, webgpuEngine } from '../../src/engine/webgpu/index.js';
import { KernelTimer } from '../../src/engine/webgpu/kernelTimer.js';
import { buildModel, initialiseModel } from '../../src/model/index.js';
import type { ModelName } from '../../src/model/index.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { MICRO_BATCHES_PER_STEP, syntheticBatch } from './syntheticBatch.js';

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
  /** Longest first; undefined where the device has no timestamp queries. */
  readonly kernels: readonly KernelTime[] | undefined;
}

export interface GpuRun {
  readonly model: ModelName;
  readonly microBatch: number;
  readonly warmUps: number;
  readonly repetitions: number;
  readonly device?: string;
}

export async function measureGpu(run: GpuRun): Promise<GpuTimes> {
  const found = await webgpuEngine.availability(run.device);
  if (!found.available) throw new Error(`${found.reason}; ${found.remedy}`);
  const model = buildModel(run.model);
  const engine = await loadWebgpu(model, found.device);
  try {
    const state = initialiseModel(model, 1);
    const batch = syntheticBatch(model, run.microBatch);
    const durationsMs: number[] = [];
    for (let index = -run.warmUps; index < run.repetitions; index++) {
      const version = Math.floor(index / MICRO_BATCHES_PER_STEP);
      const startedMs = performance.now();
      await engine.gradient({ ...state, version }, batch, [1, 2]);
      if (index >= 0) durationsMs.push(performance.now() - startedMs);
    }
    const kernels = await engine.withPlan({ ...state, version: 0 }, batch, async (recorded, session) => {
      if (!KernelTimer.isSupported(session)) return undefined;
      const timer = new KernelTimer(session);
      await recorded.run(batch, [1, 2], timer);
      return byLabel(await timer.read());
    });
    const milliseconds = spreadOf(durationsMs);
    const imagesPerSecond = (run.microBatch / milliseconds.median) * 1000;
    return { device: engine.description.device, milliseconds, imagesPerSecond, kernels };
  } finally {
    engine.dispose();
  }
}

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
