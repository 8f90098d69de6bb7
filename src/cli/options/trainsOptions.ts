/** The options of `train`, for commands that look at a training before it begins: the same line works with either. */

import type { Command } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import { nonEmpty } from '../../session/index.js';
import type { TrainingOptions } from '../../session/index.js';
import { TRAIN_OPTIONS } from './optionTable.js';
import { declareOptions, resolveTrainingOptions } from './trainingOptions.js';

/** Shown in the help of the command itself. */
const SHOWN: ReadonlySet<string> = new Set([
  ...['dataset', 'dataDir', 'model', 'recipe', 'workers', 'engine', 'json'],
]);

/**
 * Accepted, and hidden but for the commonest: the help of `train` has them all.
 * @param command with its own options; one of them may take the place of one of a training
 */
export function declareTrainsOptions(command: Command): void {
  const own = new Set(command.options.map((option) => option.attributeName()));
  declareOptions(
    command,
    TRAIN_OPTIONS.filter(({ key }) => !own.has(key)),
  );
  for (const option of command.options) {
    const name = option.attributeName();
    if (!own.has(name) && !SHOWN.has(name)) option.hideHelp();
  }
  command
    .option(
      '--config <file>',
      'JSON file with options as keys; flags win',
      nonEmpty('--config', 'recipe.json'),
    )
    .addHelpText(
      'after',
      () => `\nAll options of a training are accepted: ${commandLine('train', { help: true })} lists them.`,
    );
}

/** @throws LockstepError E_OPTION for a malformed, unknown or contradictory value */
export function resolveTrainsOptions(command: Command): TrainingOptions {
  return resolveTrainingOptions(command, TRAIN_OPTIONS);
}
