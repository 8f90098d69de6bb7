/** A short measurement of one worker's gradients, as `lockstep engines` shows it. For comparisons use the benchmarks. */

import { imageByteCount } from '../data/index.js';
import { initialiseModel, networkText } from '../model/index.js';
import type { Model } from '../model/index.js';
import type { ComputePool } from '../worker/index.js';

export interface EngineMeasurement {
  readonly imagesPerSecond: number;
  readonly measuredImages: number;
}

export interface MeasureOptions {
  readonly model: Model;
  readonly microBatch: number;
  /** Time to spend, after one gradient to warm up; one gradient is always measured. */
  readonly seconds: number;
}

export async function measureEngine(pool: ComputePool, options: MeasureOptions): Promise<EngineMeasurement> {
  const { model, microBatch, seconds } = options;
  const state = { version: 1, ...initialiseModel(model, 1) };
  const network = networkText(model);
  const { inputShape, classCount } = model;
  const imageBytes = imageByteCount(inputShape);
  const ofChannels = (value: number): number[] => new Array<number>(inputShape.channels).fill(value);
  const gradient = async (samples: number): Promise<void> => {
    const answer = await pool.run({
      kind: 'gradient',
      engine: pool.engine,
      session: {
        network,
        normalisation: { mean: ofChannels(0.5), standardDeviation: ofChannels(0.25) },
        augmentation: { cropPadding: 4 },
        labelSmoothing: 0,
        evaluationStatistics: 'running',
        evaluationViews: 'none',
        wire: 'float32',
      },
      state,
      pixels: Uint8Array.from({ length: samples * imageBytes }, (_, index) => (index * 7919) % 251),
      labels: Uint8Array.from({ length: samples }, (_, index) => index % classCount),
      augmentationKey: [1, 2],
      mirrored: null,
      microBatch: 0,
      dropoutKey: [3, 4],
      roundingKey: null,
    });
    if (answer.kind === 'gradient') answer.release();
  };
  // A slow engine must not take minutes: what one image takes decides how many are measured. The first gradient says
  // nothing of that: it includes loading the engine, and compiling a GPU's kernels.
  await gradient(1);
  const oneMs = await timeMs(() => gradient(1));
  const samples = Math.max(1, Math.min(microBatch, Math.floor((seconds * 1000) / oneMs)));
  if (samples > 1) await gradient(samples);
  let images = 0;
  let elapsedMs = 0;
  while (images === 0 || elapsedMs < seconds * 1000) {
    elapsedMs += await timeMs(() => gradient(samples));
    images += samples;
  }
  return { imagesPerSecond: images / (elapsedMs / 1000), measuredImages: images };
}

async function timeMs(action: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await action();
  return performance.now() - startedMs;
}
