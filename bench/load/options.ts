/** The command line of `npm run bench:load`. */

import { Command } from 'commander';
import { listOf, nonNegative, positive } from '../optionValues.js';

export interface LoadOptions {
  readonly nodes: readonly number[];
  readonly model: string;
  readonly microBatch: number;
  readonly itemsPerNode: number;
  readonly computeMs: number;
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly processes: number;
  readonly rounds: number;
  readonly profile?: string;
  readonly json?: string;
}

export function parseOptions(argv: readonly string[]): LoadOptions {
  return new Command('npm run bench:load --')
    .description('simulated nodes on one real coordinator: steps, bytes, processor time and memory')
    .option(
      '--nodes <counts>',
      'numbers of simulated nodes, of one worker each',
      listOf(positive),
      [1, 16, 64, 256],
    )
    .option('--model <name>', 'network whose gradients are sent', 'resnet20')
    .option('--micro-batch <n>', 'samples of one work item', positive, 8)
    .option('--items-per-node <n>', 'micro-batches of a step, per node', positive, 1)
    .option('--compute-ms <ms>', 'how long a node takes for an item; 0: it answers at once', nonNegative, 0)
    .option('--warm-up-steps <n>', 'steps before the measurement', positive, 3)
    .option('--steps <n>', 'steps measured', positive, 20)
    .option('--processes <n>', 'processes for the simulated nodes', positive, 4)
    .option('--rounds <n>', 'repetitions; medians are shown', positive, 1)
    .option('--profile <dir>', 'write processor profiles of the coordinator there; they slow it down')
    .option('--json <file>', 'also write all of it as JSON')
    .parse(argv, { from: 'user' })
    .opts<LoadOptions>();
}
