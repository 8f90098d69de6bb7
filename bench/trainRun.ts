/** Measures one real `lockstep train` process from outside. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from './childProcess.js';
import { besideThisScript, inRepository } from './repository.js';
import { summariseSteps } from './stepLines.js';
import type { StepSummary } from './stepLines.js';

export const MICRO_BATCH = 32;
export const GLOBAL_BATCH = 128;
/** Meanwhile V8 optimises the kernels in threads that use the workers' cores: 4 ms in each of the first 25 steps. */
export const WARM_UP_STEPS = 30;
const VALIDATION_SAMPLES = 100;
const MOST_TRAINING_SAMPLES = 50_000 - VALIDATION_SAMPLES;
const HOOK = pathToFileURL(besideThisScript('memoryHook.js')).href;

export interface TrainRunOptions {
  readonly model: string;
  readonly workers: number;
  /** Steps to measure, after the warm-up. */
  readonly steps: number;
}

/** Of a whole process with all its threads. */
export interface MemoryReadings {
  /** Largest resident set. */
  readonly peakBytes: number;
  /** Resident set, twice a second from the start to the end. */
  readonly residentBytes: readonly number[];
}

export interface TrainRun extends StepSummary {
  readonly memory: MemoryReadings;
}

/**
 * Trains on synthetic images, with augmentation, on the `simd` engine, in a temporary folder. If there are few enough
 * steps, the run ends within the first epoch, and nothing is evaluated.
 */
export function measureTraining({ model, workers, steps }: TrainRunOptions): Promise<TrainRun> {
  const allSteps = WARM_UP_STEPS + steps;
  return measureRun(
    [
      ...['--model', model, '--workers', String(workers)],
      ...['--batch-size', String(GLOBAL_BATCH), '--micro-batch', String(MICRO_BATCH)],
      ...['--train-limit', String(Math.min((allSteps + 1) * GLOBAL_BATCH, MOST_TRAINING_SAMPLES))],
    ],
    WARM_UP_STEPS,
    steps,
  );
}

/** @param options of `train`, but for those of the data and the run's length */
export async function measureRun(
  options: readonly string[],
  warmUpSteps: number,
  steps: number,
): Promise<TrainRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockstep-bench-'));
  const runFolder = path.join(folder, 'run');
  const memoryFile = path.join(folder, 'memory.json');
  const common = [
    ...['--engine', 'simd', '--dataset', 'synthetic', '--val-size', String(VALIDATION_SAMPLES)],
    ...['--max-steps', String(warmUpSteps + steps), '--run-dir', runFolder, '--json'],
  ];
  try {
    await run(process.execPath, [inRepository('bin', 'lockstep'), 'train', ...options, ...common], {
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${HOOK}`,
      LOCKSTEP_BENCH_MEMORY_FILE: memoryFile,
    });
    return {
      ...summariseSteps(await readFile(path.join(runFolder, 'metrics.jsonl'), 'utf8'), warmUpSteps),
      memory: JSON.parse(await readFile(memoryFile, 'utf8')) as MemoryReadings,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
