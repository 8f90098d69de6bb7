/** `lockstep train`: coordinator and worker threads in one process. */

import type { Command } from 'commander';
import { TRAIN_OPTIONS } from '../optionTable.js';
import { declareRunOptions, sessionOptionsOf } from '../runOptions.js';
import { declareOptions, resolveTrainingOptions } from '../trainingOptions.js';
import { runTrainingSession } from '../trainingSession.js';

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train in this process, on worker threads')
    .addHelpText('after', EXAMPLES);
  declareOptions(command, TRAIN_OPTIONS);
  declareRunOptions(command);
  command.action(async () => {
    const training = resolveTrainingOptions(command, TRAIN_OPTIONS);
    process.exitCode = await runTrainingSession({
      training,
      ...sessionOptionsOf(command),
      minWorkers: 1,
      waitTimeoutMs: LOCAL_WAIT_MS,
      openDoor: undefined,
    });
  });
}

/** Threads of this process are there or will not come. */
const LOCAL_WAIT_MS = 30_000;

const EXAMPLES = `
Examples:
  lockstep train --dataset cifar10 --data-dir data --model resnet20 --epochs 30 --schedule onecycle
  lockstep train --resume runs/2026-11-24T08-00-00-resnet20-seed1
  lockstep train --config recipe.json --seed 2`;
