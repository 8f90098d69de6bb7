/** The command line of `npm run bench`. */

import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { listOf, modelName, positive } from './optionValues.js';
import { inRepository } from './repository.js';

export const PARTS = ['throughput', 'memory', 'profile', 'straggler'] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly only: readonly Part[];
  readonly models: readonly string[];
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly steps: number;
  readonly gradients: number;
  readonly trainSteps: number;
  readonly numerics: 'auto' | 'simd';
  /** Path of pytorch_ddp.py; false to leave the peer out. */
  readonly peer: string | false;
  readonly python: string;
  readonly json?: string;
}

const NEIGHBOUR = inRepository('..', 'shared', 'peers', 'pytorch_ddp.py');

export function parseOptions(argv: readonly string[]): BenchOptions {
  const peer = process.env['LOCKSTEP_PEER_SCRIPT'] ?? (existsSync(NEIGHBOUR) ? NEIGHBOUR : '');
  return new Command('npm run bench --')
    .description(
      'measures throughput beside PyTorch, memory, where the time goes, and what a slow worker costs',
    )
    .option('--only <parts>', `which of ${PARTS.join(', ')}`, listOf(part), [...PARTS])
    .option('--models <names>', 'networks', listOf(modelName), ['resnet20', 'resnet32'])
    .option('--workers <counts>', 'numbers of worker threads', listOf(positive), [1, 2])
    .option('--rounds <n>', 'repetitions of throughput and memory', positive, 5)
    .option('--steps <n>', 'steps measured in a run, after those to warm up', positive, 12)
    .option('--gradients <n>', 'gradients over which memory is watched', positive, 1000)
    .option('--train-steps <n>', 'steps of a training over which memory is watched', positive, 1000)
    .addOption(
      new Option('--numerics <class>', 'arithmetic of the profile: the best the host has, or without fused')
        .choices(['auto', 'simd'])
        .default('auto'),
    )
    .option('--peer <file>', 'pytorch_ddp.py (env LOCKSTEP_PEER_SCRIPT, else ../shared/peers/)', peer)
    .option('--no-peer', 'leave PyTorch out')
    .option(
      '--python <program>',
      'Python that has torch (env LOCKSTEP_PEER_PYTHON)',
      process.env['LOCKSTEP_PEER_PYTHON'] ?? 'python3',
    )
    .option('--json <file>', 'also write all of it as JSON')
    .parse(argv, { from: 'user' })
    .opts<BenchOptions>();
}

function part(text: string): Part {
  const found = PARTS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`${text} is none of ${PARTS.join(', ')}.`);
}
