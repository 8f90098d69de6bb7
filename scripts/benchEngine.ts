/**
 * Throughput and profile of the simd engine on one thread.
 *
 *   npx tsc -p tsconfig.json --noEmit false --outDir dist/bench && node dist/bench/scripts/benchEngine.js
 *
 * Arguments: models (default resnet20 resnet32), `--numerics simd`, `--json`. Times are medians over `REPETITIONS`
 * gradients of 32 images; beside them stands what the same core reaches in a loop of nothing but multiply-adds.
 */

import { cpus } from 'node:os';
import { FUSED, UNFUSED } from '../src/engine/simd/arithmetic.js';
import { loadSimd } from '../src/engine/simd/index.js';
import type { SimdOptions } from '../src/engine/simd/index.js';
import { KernelLibrary } from '../src/engine/simd/kernels/library.js';
import { load } from '../src/engine/simd/wasm/expressions.js';
import { newMemory } from '../src/engine/simd/wasm/host.js';
import { buildModel, initialiseModel, isModelName } from '../src/model/index.js';
import type { ModelName } from '../src/model/index.js';
import { KernelProfile } from './kernelProfile.js';
import type { ProfileRow } from './kernelProfile.js';

const MICRO_BATCH = 32;
const WARM_UPS = 8;
const REPETITIONS = 40;
const MICRO_BATCHES_PER_STATE = 4;

interface ModelResult {
  readonly model: ModelName;
  readonly numericsClass: string;
  readonly medianMs: number;
  readonly quartilesMs: readonly [number, number];
  readonly imagesPerSecond: number;
  readonly arenaBytes: number;
  readonly peakGflops: number;
  readonly profile: readonly ProfileRow[];
}

async function main(): Promise<void> {
  const options = process.argv.slice(2);
  const numerics = options.includes('simd') ? 'simd' : 'auto';
  const named = options.filter(isModelName);
  const results: ModelResult[] = [];
  for (const model of named.length > 0 ? named : (['resnet20', 'resnet32'] as const)) {
    results.push(await measure(model, numerics));
  }
  const machine = { processor: cpus()[0]?.model.trim(), node: process.version, repetitions: REPETITIONS };
  if (options.includes('--json')) console.log(JSON.stringify({ machine, results }, undefined, 2));
  else print(machine, results);
}

async function measure(name: ModelName, numerics: SimdOptions['numerics']): Promise<ModelResult> {
  const times = await run(name, { numerics });
  const profile = new KernelProfile();
  await run(name, { numerics, observe: profile.observe }, () => profile.clear());
  const sorted = times.durationsMs.sort((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.floor(fraction * (sorted.length - 1))]!;
  return {
    model: name,
    numericsClass: times.numericsClass,
    medianMs: at(0.5),
    quartilesMs: [at(0.25), at(0.75)],
    imagesPerSecond: (MICRO_BATCH / at(0.5)) * 1000,
    arenaBytes: times.arenaBytes,
    peakGflops: await multiplyAddPeak(times.numericsClass.startsWith('simd-fma')),
    profile: profile.rows(REPETITIONS),
  };
}

interface Timing {
  readonly durationsMs: number[];
  readonly numericsClass: string;
  readonly arenaBytes: number;
}

async function run(name: ModelName, options: SimdOptions, whenWarm?: () => void): Promise<Timing> {
  const model = buildModel(name);
  const state = initialiseModel(model, 1);
  const images = Float32Array.from(
    { length: MICRO_BATCH * 3072 },
    (_, index) => ((index * 7919) % 255) / 64 - 2,
  );
  const labels = Uint8Array.from({ length: MICRO_BATCH }, (_, index) => index % model.classCount);
  const engine = await loadSimd(model, options);
  const durationsMs: number[] = [];
  for (let step = -WARM_UPS; step < REPETITIONS; step++) {
    if (step === 0) whenWarm?.();
    const version = Math.floor(step / MICRO_BATCHES_PER_STATE);
    const start = performance.now();
    await engine.gradient({ ...state, version }, { images, labels }, [1, 2]);
    if (step >= 0) durationsMs.push(performance.now() - start);
  }
  const { arenaBytes, description } = engine;
  engine.dispose();
  return { durationsMs, numericsClass: description.numericsClass, arenaBytes };
}

/** GFLOP/s of twelve independent chains of multiply-adds in registers: best of several runs. */
async function multiplyAddPeak(fused: boolean): Promise<number> {
  const chains = 12;
  const turns = 100_000;
  const memory = newMemory(1, 1);
  const library = new KernelLibrary(fused ? FUSED : UNFUSED);
  const kernel = library.kernel('peak', 1, (f, { multiplyAdd }) => {
    const factor = f.variable(load(f.parameter(0), 0));
    const sums = Array.from({ length: chains }, () => f.variable(load(f.parameter(0), 16)));
    f.repeat(turns, () => sums.forEach((sum) => f.set(sum, multiplyAdd(factor, factor, sum))));
    sums.forEach((sum, index) => f.store(f.parameter(0), sum, 32 + 16 * index));
  });
  await library.compile(memory);
  const durationsMs = Array.from({ length: 30 }, () => {
    const start = performance.now();
    kernel.run(0);
    return performance.now() - start;
  });
  return (chains * 8 * turns) / Math.min(...durationsMs) / 1e6;
}

function print(machine: object, results: readonly ModelResult[]): void {
  console.log(
    Object.entries(machine)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', '),
  );
  for (const { model, numericsClass, medianMs, quartilesMs, ...result } of results) {
    const [low, high] = quartilesMs.map((value) => value.toFixed(1));
    console.log(
      `\n${model} ${numericsClass}: ${result.imagesPerSecond.toFixed(0)} images/s, ` +
        `${medianMs.toFixed(1)} ms a micro-batch of ${MICRO_BATCH} (quartiles ${low} to ${high}), ` +
        `arena ${(result.arenaBytes / 1e6).toFixed(0)} MB, multiply-add peak ${result.peakGflops.toFixed(1)} GFLOP/s`,
    );
    console.table(
      result.profile.map((row) => ({
        'kind of kernel': row.kind,
        'ms a micro-batch': Number(row.milliseconds.toFixed(2)),
        calls: row.calls,
        'GFLOP/s': row.gflops === undefined ? '' : row.gflops.toFixed(1),
        'GB/s': row.gigabytesPerSecond === undefined ? '' : row.gigabytesPerSecond.toFixed(1),
      })),
    );
  }
}

await main();
