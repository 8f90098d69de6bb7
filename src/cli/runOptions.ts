/** The options of `train` and `coordinator` that have no place in a config file. */

import type { Command } from 'commander';
import { LockstepError } from '../foundation/errors.js';
import type { SessionOptions } from './trainingSession.js';

export function declareRunOptions(command: Command): void {
  command
    .option('--run-dir <dir>', 'folder of this run, new or empty (default: runs/<time>-<model>-seed<seed>)')
    .option('--resume <dir>', 'continue the run in this folder, with its own settings')
    .option('--config <file>', 'JSON file with these options as keys, such as {"epochs": 20}; flags win')
    .option('--test', 'evaluate the test set once, with the final weights', false)
    .option('--json', 'print machine-readable lines only', false);
}

interface RawOptions {
  readonly runDir?: string;
  readonly resume?: string;
  readonly config?: string;
  readonly test: boolean;
  readonly json: boolean;
}

/** @throws LockstepError E_OPTION for options that exclude each other */
export function sessionOptionsOf(
  command: Command,
): Pick<SessionOptions, 'runDir' | 'resume' | 'test' | 'json'> {
  const { runDir, resume, config, test, json } = command.opts<RawOptions>();
  if (resume !== undefined && runDir !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--resume ${resume} continues in its own folder; leave --run-dir ${runDir} out`,
    );
  }
  if (resume !== undefined && config !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--resume ${resume} has its own settings; leave --config ${config} out`,
    );
  }
  return { runDir, resume, test, json };
}
