/** The options of commands that compute but do not train: which engine, on how many threads. */

import type { Command } from 'commander';
import { Option } from 'commander';
import { ENGINE_NAMES, NUMERICS } from '../engine/index.js';
import type { EngineName, Numerics } from '../engine/index.js';
import { defaultThreads } from '../worker/index.js';
import { parseValue } from './values.js';
import type { OptionValue, ValueKind } from './values.js';

export interface EngineOptions {
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
}

export function declareEngineOptions(command: Command): void {
  const engines = ['auto', ...ENGINE_NAMES];
  command
    .addOption(
      new Option('--engine <name>', `what does the arithmetic: ${engines.join(', ')}`)
        .argParser(parserOf('--engine', { kind: 'choice', of: engines }, 'auto'))
        .default('auto', 'auto'),
    )
    .addOption(
      new Option('--numerics <class>', 'simd: compute without fused multiply-add, as hosts do that have none')
        .argParser(parserOf('--numerics', { kind: 'choice', of: NUMERICS }, 'auto'))
        .default('auto', 'auto'),
    );
}

/** @param flag `--threads` or `--workers` */
export function threadsOption(flag: string, help: string): Option {
  return new Option(`${flag} <n>`, help)
    .argParser(parserOf(flag, { kind: 'integer', min: 1, max: 1024 }, '2'))
    .default(defaultThreads(), 'the cores');
}

function parserOf(flag: string, kind: ValueKind, example: string): (text: string) => OptionValue {
  return (text) => parseValue(flag, text, kind, example);
}
