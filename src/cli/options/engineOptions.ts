/** The options of commands that compute but do not train: which engine, on how many threads. */

import type { Command } from 'commander';
import { Option } from 'commander';
import { defaultThreads } from '../../worker/index.js';
import { ENGINE_OPTIONS, valueParser } from '../../session/index.js';
import type { EngineSettings } from '../../session/index.js';
import { declareOptions } from './trainingOptions.js';

export type EngineOptions = EngineSettings;

export function declareEngineOptions(command: Command): void {
  declareOptions(command, ENGINE_OPTIONS);
}

/** @param flag `--threads` or `--workers` */
export function threadsOption(flag: string, help: string): Option {
  return new Option(`${flag} <n>`, help)
    .argParser(valueParser(flag, { kind: 'integer', min: 1, max: 1024 }, '2'))
    .default(defaultThreads(), 'the cores');
}
