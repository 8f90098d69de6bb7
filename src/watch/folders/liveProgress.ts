/** How far a running run is within its epoch, how fast it is now, and how long it will take: from the end of its metrics. */

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { totalStepsOf } from '../../coordinator/index.js';
import { isRecord } from '../../foundation/isRecord.js';
import { metricsFileOf } from './findRuns.js';
import type { MetricsLine } from './metricsLines.js';
import { numberOf } from './values.js';

export interface LiveProgress {
  /** Steps completed. */
  readonly step: number;
  /** Steps of the whole run, if it is not stopped early; null: not known. */
  readonly steps: number | null;
  /** Of the last steps. */
  readonly imagesPerSecond: number | null;
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly secondsLeft: number | null;
}

/** The last steps, and the first event of the process, are in these. */
const HEAD_BYTES = 1 << 14;
const TAIL_BYTES = 1 << 14;
const STEPS_AVERAGED = 20;

/**
 * @param lastEpoch the line of the last epoch that was completed
 * @returns undefined if nothing is known yet
 */
export async function liveProgress(
  folder: string,
  { epochs, maxSteps }: { readonly epochs: number | null; readonly maxSteps: number | null },
  lastEpoch: MetricsLine,
): Promise<LiveProgress | undefined> {
  try {
    const file = metricsFileOf(folder);
    const handle = await open(file, 'r');
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return undefined;
      const tail = await linesOf(handle, Math.max(0, stats.size - TAIL_BYTES), TAIL_BYTES);
      const recent = tail.filter((line) => line['event'] === 'step').slice(-STEPS_AVERAGED);
      const step = numberOf(recent.at(-1)?.['step']) ?? numberOf(lastEpoch['step']);
      if (step === null) return undefined;
      const stepsPerEpoch = await stepsPerEpochOf(handle);
      const steps = smallest(
        epochs === null || stepsPerEpoch === null ? null : totalStepsOf({ epochs, stepsPerEpoch }),
        maxSteps,
      );
      const perStep = secondsPerStep(recent, lastEpoch);
      return {
        step,
        steps,
        imagesPerSecond: meanOf(recent, 'imagesPerSecond'),
        loss: meanOf(recent, 'loss'),
        accuracy: meanOf(recent, 'accuracy'),
        secondsLeft: steps === null || perStep === null ? null : Math.max(0, steps - step) * perStep,
      };
    } finally {
      await handle.close();
    }
  } catch {
    return undefined; // nothing written yet
  }
}

/** With the validations and whatever else took time, once an epoch is known. */
function secondsPerStep(recent: readonly MetricsLine[], lastEpoch: MetricsLine): number | null {
  const [seconds, steps] = [numberOf(lastEpoch['wallSeconds']), numberOf(lastEpoch['step'])];
  if (seconds !== null && steps !== null && steps > 0) return seconds / steps;
  const stepMs = meanOf(recent, 'stepMs');
  return stepMs === null ? null : stepMs / 1000;
}

async function stepsPerEpochOf(handle: FileHandle): Promise<number | null> {
  const head = await linesOf(handle, 0, HEAD_BYTES);
  return numberOf(head.find((line) => line['event'] === 'run-started')?.['stepsPerEpoch']);
}

/** Whole lines only: the first may begin before the bytes, and the last may end behind them. */
async function linesOf(handle: FileHandle, from: number, byteCount: number): Promise<readonly MetricsLine[]> {
  const bytes = Buffer.alloc(byteCount);
  const { bytesRead } = await handle.read(bytes, 0, byteCount, from);
  const texts = bytes.toString('utf8', 0, bytesRead).split('\n');
  return texts.slice(from === 0 ? 0 : 1, -1).flatMap((text) => {
    try {
      const value: unknown = JSON.parse(text);
      return isRecord(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

function meanOf(lines: readonly MetricsLine[], field: string): number | null {
  const values = lines.flatMap((line) => numberOf(line[field]) ?? []);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function smallest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
