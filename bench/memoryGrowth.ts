/**
 * A process that computes gradients on one engine, and reads its memory ten times on the way, each time after a full
 * garbage collection (`node --expose-gc`): growth is a leak. Arguments: model, gradients.
 */

import { EVALUATION_CHUNK } from '../src/coordinator/run/recipe.js';
import { loadSimd } from '../src/engine/simd/index.js';
import { buildModel, initialiseModel, isPresetName } from '../src/model/index.js';
import type { MemoryGrowthReading, MemoryGrowthReport } from './memoryGrowthReport.js';
import { MICRO_BATCHES_PER_STEP, syntheticBatch } from './syntheticBatch.js';
import { MICRO_BATCH } from './trainRun.js';

const READINGS = 10;

const [name = '', count = ''] = process.argv.slice(2);
if (!isPresetName(name)) throw new Error(`model ${name} is not known`);
const gradients = Number(count);

const model = buildModel(name);
const state = initialiseModel(model, 1);
const engine = await loadSimd(model);
const readings: MemoryGrowthReading[] = [];
const batch = syntheticBatch(model, MICRO_BATCH);
const between = Math.max(1, Math.floor(gradients / READINGS));
for (let done = 1; done <= gradients; done++) {
  await engine.gradient({ ...state, version: Math.ceil(done / MICRO_BATCHES_PER_STEP) }, batch, [1, 2]);
  if (done % between === 0) readings.push(read(done));
}
await engine.evaluate({ ...state, version: 0 }, syntheticBatch(model, EVALUATION_CHUNK), 'running');
const report: MemoryGrowthReport = { readings, arenaBytesAfterEvaluation: engine.arenaBytes };
console.log(JSON.stringify(report));

function read(done: number): MemoryGrowthReading {
  globalThis.gc?.();
  return {
    gradients: done,
    residentBytes: process.memoryUsage.rss(),
    arenaBytes: engine.arenaBytes,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}
