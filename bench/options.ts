/** The command line of `npm run bench`. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { listOf, modelName, positive } from './optionValues.js';
import { inRepository } from './repository.js';

export const PARTS = ['throughput', 'memory', 'profile', 'straggler', 'wide', 'shapes', 'recipe'] as const;
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
  readonly turnMs: number;
  /** Only cases whose name holds this text. */
  readonly cases: string;
  /** The script that trains with PyTorch; false: none. */
  readonly peer: string | false;
  readonly python: string;
  readonly json?: string;
}

const PEER_SCRIPT = inRepository('bench', 'peers', 'pytorch_ddp.py');

export function parseOptions(argv: readonly string[]): BenchOptions {
  const peer = process.env['LOCKSTEP_PEER_SCRIPT'] ?? PEER_SCRIPT;
  return new Command('npm run bench --')
    .description(
      'measure throughput beside PyTorch, memory, where the time goes, what a slow worker costs, wide networks and odd shapes beside PyTorch on one core, and steps of the recipe fast94 beside its twin',
    )
    .option('--only <parts>', `which of ${PARTS.join(', ')}`, listOf(part), [...PARTS])
    .option('--models <names>', 'networks', listOf(modelName), ['resnet20', 'resnet32'])
    .option('--workers <counts>', 'numbers of worker threads', listOf(positive), [1, 2])
    .option('--rounds <n>', 'repetitions of throughput and memory', positive, 5)
    .option('--steps <n>', 'steps to measure in a run, after the warm-up', positive, 12)
    .option('--gradients <n>', 'gradients to watch memory over', positive, 1000)
    .option('--train-steps <n>', 'training steps to watch memory over', positive, 1000)
    .option('--turn-ms <n>', 'wide, shapes: milliseconds of each side in each round', positive, 500)
    .option('--cases <text>', 'wide, shapes: only cases whose name holds this text', '')
    .addOption(
      new Option(
        '--numerics <class>',
        'arithmetic of the profile: the best of this host, or without fused multiply-add',
      )
        .choices(['auto', 'simd'])
        .default('auto'),
    )
    .option(
      '--peer <file>',
      'another script than bench/peers/pytorch_ddp.py (env LOCKSTEP_PEER_SCRIPT)',
      peer,
    )
    .option('--no-peer', 'leave PyTorch out')
    .option(
      '--python <program>',
      'Python that has torch (env LOCKSTEP_PEER_PYTHON)',
      process.env['LOCKSTEP_PEER_PYTHON'] ?? 'python3',
    )
    .option('--json <file>', 'also write everything to this file, as JSON')
    .parse(argv, { from: 'user' })
    .opts<BenchOptions>();
}

function part(text: string): Part {
  const found = PARTS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`${text} is not one of ${PARTS.join(', ')}.`);
}
