/** The memory of a worker thread, and whether it grows. */

import { run } from './childProcess.js';
import type { MemoryGrowthReport } from './memoryGrowthReport.js';
import type { IdleWatch } from './machine.js';
import { besideThisScript } from './repository.js';
import { median, spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { measureTraining } from './trainRun.js';

const STEPS = 8;
const TENTHS = 10;

export interface MemoryResult {
  readonly model: string;
  /** Largest resident set of a whole `lockstep train` process with one worker thread, and with two. */
  readonly peakBytesOneWorker: Spread;
  readonly peakBytesTwoWorkers: Spread;
  /** The second worker thread: the difference of those medians. */
  readonly bytesPerWorker: number;
  readonly growth: MemoryGrowthReport;
  readonly training: TrainingMemory;
}

/** One whole training, including its start. */
export interface TrainingMemory {
  readonly workers: number;
  readonly steps: number;
  readonly peakBytes: number;
  /** Median resident set of each tenth of the time. */
  readonly residentBytes: readonly number[];
}

export interface MemoryOptions {
  readonly rounds: number;
  readonly gradients: number;
  readonly trainSteps: number;
}

export async function measureMemory(
  model: string,
  { rounds, gradients, trainSteps }: MemoryOptions,
  idle: IdleWatch,
  say: (message: string) => void,
): Promise<MemoryResult> {
  const peaks: Readonly<Record<1 | 2, number[]>> = { 1: [], 2: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const workers of [1, 2] as const) {
      await idle.probe();
      peaks[workers].push((await measureTraining({ model, workers, steps: STEPS })).memory.peakBytes);
    }
    say(`round ${round} of ${rounds}: peak memory of ${model}`);
  }
  say(`${gradients} gradients of ${model} in one process`);
  const script = [besideThisScript('memoryGrowth.js'), model, String(gradients)];
  const { stdout } = await run(process.execPath, ['--expose-gc', ...script]);
  say(`${trainSteps} steps of training ${model}`);
  const training = await watchTraining(model, trainSteps);
  const [one, two] = [spreadOf(peaks[1]), spreadOf(peaks[2])];
  return {
    model,
    peakBytesOneWorker: one,
    peakBytesTwoWorkers: two,
    bytesPerWorker: two.median - one.median,
    growth: JSON.parse(stdout) as MemoryGrowthReport,
    training,
  };
}

async function watchTraining(model: string, steps: number): Promise<TrainingMemory> {
  const workers = 2;
  const { memory } = await measureTraining({ model, workers, steps });
  return { workers, steps, peakBytes: memory.peakBytes, residentBytes: tenths(memory.residentBytes) };
}

function tenths(readings: readonly number[]): readonly number[] {
  const length = Math.max(1, readings.length / TENTHS);
  const parts = Array.from({ length: TENTHS }, (_, part) =>
    readings.slice(Math.floor(part * length), Math.floor((part + 1) * length)),
  );
  return parts.filter((part) => part.length > 0).map(median);
}
