/** The options of commands that compute but do not train: which engine, on how many threads. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { EngineChoice, EngineName, Numerics, Precision } from '../../engine/index.js';
import { defaultThreads } from '../../worker/index.js';
import { cacheFolder } from '../process/cacheFolder.js';
import { ENGINE_OPTIONS } from '../../session/index.js';
import { declareOptions } from './trainingOptions.js';
import { valueParser } from '../../session/index.js';

export interface EngineOptions {
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
  readonly device?: string;
  readonly tune: boolean;
  readonly precision: Precision;
}

export function declareEngineOptions(command: Command): void {
  declareOptions(command, ENGINE_OPTIONS);
}

/** @param flag `--threads` or `--workers` */
export function threadsOption(flag: string, help: string): Option {
  return new Option(`${flag} <n>`, help)
    .argParser(valueParser(flag, { kind: 'integer', min: 1, max: 1024 }, '2'))
    .default(defaultThreads(), 'the cores');
}

/** The engine chosen, tuned to its device unless `--no-tune` is given. */
export function withTuning<Chosen extends EngineChoice>(chosen: Chosen, tune: boolean): Chosen {
  const folder = tune ? cacheFolder() : undefined;
  return folder === undefined ? chosen : { ...chosen, tuning: { cacheFolder: folder, mayMeasure: true } };
}

/** One worker on a GPU uploads while another computes; more of them only take its memory. */
const WORKERS_OF_A_GPU = 2;

/**
 * Workers to start. TensorFlow gets one where the user has not said how many: it uses all cores by itself.
 * @param given whether the user has said so; else `threads` is one a core
 */
export function threadsFor({ name, device }: EngineChoice, threads: number, given: boolean): number {
  if (given) return threads;
  if (name === 'tensorflow') return 1;
  return device === undefined ? threads : Math.min(WORKERS_OF_A_GPU, threads);
}
