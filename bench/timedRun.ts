/** A real run that is stopped after a number of seconds, and the figures in its files. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../src/coordinator/run/events.js';
import type { RunResult } from '../src/coordinator/run/result.js';
import type { LockstepProcess } from './lockstepProcess.js';
import { summariseSteps } from './stepLines.js';
import type { StepSummary } from './stepLines.js';

const LEAST_STEPS = 3;

export interface RunShape {
  readonly model: string;
  readonly batchSize: number;
  readonly microBatch: number;
}

export interface RunTimes {
  /** Counted from the first step. */
  readonly seconds: number;
  /** Steps in these first seconds do not count. */
  readonly warmUpSeconds: number;
}

export interface RunFigures extends StepSummary {
  /** All images divided by the time in training steps, from result.json. */
  readonly resultImagesPerSecond: number;
  readonly wallSeconds: number;
  readonly steps: number;
  readonly epochs: number;
  readonly trainLoss: number;
  readonly engine: string;
  readonly numericsClasses: readonly string[];
  readonly devices: readonly string[];
  /** Exit status or signal, and message, if the process failed after the run. */
  readonly endedBy?: string;
}

/** @param start begins a run with the given options; this function stops only that process */
export async function measureRun(
  shape: RunShape,
  { seconds, warmUpSeconds }: RunTimes,
  start: (options: readonly string[]) => LockstepProcess,
): Promise<RunFigures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockstep-bench-'));
  const runFolder = path.join(folder, 'run');
  const lockstep = start([...optionsOf(shape), '--run-dir', runFolder, '--json']);
  try {
    await lockstep.first('step');
    await Promise.race([sleep(seconds * 1000), lockstep.ended]);
    await lockstep.first('step', ({ step }) => step >= LEAST_STEPS);
    lockstep.stop();
    await lockstep.first('run-finished');
    const endedBy = await lockstep.ended;
    const figures = await figuresOf(runFolder, warmUpSeconds);
    return endedBy === undefined ? figures : { ...figures, endedBy };
  } finally {
    lockstep.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** CIFAR-10 if its folder is named, as for `lockstep` itself, otherwise synthetic images. */
function optionsOf({ model, batchSize, microBatch }: RunShape): string[] {
  const dataset = process.env['LOCKSTEP_DATA_DIR'] === undefined ? 'synthetic' : 'cifar10';
  return [
    ...['--dataset', dataset, '--val-size', '1000', '--patience', '0', '--epochs', '1000'],
    ...['--model', model, '--batch-size', String(batchSize), '--micro-batch', String(microBatch)],
  ];
}

async function figuresOf(runFolder: string, warmUpSeconds: number): Promise<RunFigures> {
  const text = await readFile(path.join(runFolder, 'metrics.jsonl'), 'utf8');
  const result = JSON.parse(await readFile(path.join(runFolder, 'result.json'), 'utf8')) as RunResult;
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunEvent & { readonly time: string });
  const steps = lines.filter((line) => line.event === 'step');
  const joined = lines.filter((line) => line.event === 'worker-joined');
  return {
    ...summariseSteps(text, warmUpSteps(steps, warmUpSeconds)),
    resultImagesPerSecond: result.imagesPerSecond,
    wallSeconds: result.wallSeconds,
    steps: result.stepsCompleted,
    epochs: result.epochsCompleted,
    trainLoss: steps.at(-1)!.loss,
    engine: result.engine,
    numericsClasses: result.numericsClasses,
    devices: joined.map(({ engine, device, threads }) => `${engine} on ${device}, ${threads} worker(s)`),
  };
}

/** At least one, and at most so many that one is left to measure. */
function warmUpSteps(steps: readonly { readonly time: string }[], warmUpSeconds: number): number {
  const startMs = Date.parse(steps[0]!.time);
  const slow = steps.filter(({ time }) => Date.parse(time) - startMs <= warmUpSeconds * 1000).length;
  return Math.max(1, Math.min(slow, steps.length - 1));
}
