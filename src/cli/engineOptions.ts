/** The options of commands that compute but do not train: which engine, on how many threads. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { EngineChoice, EngineName, Numerics } from '../engine/index.js';
import { defaultThreads } from '../worker/index.js';
import { ENGINE_OPTIONS } from './optionTable.js';
import { declareOptions } from './trainingOptions.js';
import { valueParser } from './values.js';

export interface EngineOptions {
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
}

export function declareEngineOptions(command: Command): void {
  declareOptions(command, ENGINE_OPTIONS);
}

/** @param given whether the user has said how many; else TensorFlow gets one thread, which uses all cores by itself */
export function threadsFor({ name }: EngineChoice, threads: number, given: boolean): number {
  return name === 'tensorflow' && !given ? 1 : threads;
}

/** @param flag `--threads` or `--workers` */
export function threadsOption(flag: string, help: string): Option {
  return new Option(`${flag} <n>`, help)
    .argParser(valueParser(flag, { kind: 'integer', min: 1, max: 1024 }, '2'))
    .default(defaultThreads(), 'the cores');
}
