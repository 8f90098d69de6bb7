/** What a worker thread costs in memory, and whether that grows. */

import { run } from './childProcess.js';
import type { FlatnessReport } from './flatnessReport.js';
import type { ModelName } from '../../src/model/index.js';
import type { IdleWatch } from './machine.js';
import { besideThisScript } from './repository.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { measureTraining } from './trainRun.js';

const STEPS = 8;

export interface MemoryResult {
  readonly model: ModelName;
  /** Largest resident set of a whole `lockstep train` process with one worker thread, and with two. */
  readonly peakBytesOneWorker: Spread;
  readonly peakBytesTwoWorkers: Spread;
  /** The second worker thread: the difference of those medians. */
  readonly bytesPerWorker: number;
  readonly flatness: FlatnessReport;
}

export async function measureMemory(
  model: ModelName,
  rounds: number,
  gradients: number,
  idle: IdleWatch,
  say: (message: string) => void,
): Promise<MemoryResult> {
  const peaks: Readonly<Record<1 | 2, number[]>> = { 1: [], 2: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const workers of [1, 2] as const) {
      await idle.probe();
      peaks[workers].push((await measureTraining({ model, workers, steps: STEPS })).peakMemoryBytes);
    }
    say(`round ${round} of ${rounds}: peak memory of ${model}`);
  }
  say(`${gradients} gradients of ${model} in one process`);
  const script = [besideThisScript('flatness.js'), model, String(gradients)];
  const { stdout } = await run(process.execPath, ['--expose-gc', ...script]);
  const [one, two] = [spreadOf(peaks[1]), spreadOf(peaks[2])];
  return {
    model,
    peakBytesOneWorker: one,
    peakBytesTwoWorkers: two,
    bytesPerWorker: two.median - one.median,
    flatness: JSON.parse(stdout) as FlatnessReport,
  };
}
