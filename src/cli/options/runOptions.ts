/** The options of `train` and `coordinator` that have no place in a config file, and what they make of the others. */

import type { Command } from 'commander';
import { LockstepError } from '../../foundation/errors.js';
import { RECIPE_PRESETS } from '../../coordinator/index.js';
import { nonEmpty } from '../../session/index.js';
import type { SessionOptions } from '../../session/index.js';

export function declareRunOptions(command: Command): void {
  command
    .option(
      '--resume <dir>',
      'continue the run in this folder, with its own settings',
      nonEmpty('--resume', 'runs/first'),
    )
    .option(
      '--config <file>',
      'JSON file with these options as keys, such as {"epochs": 20}; flags win',
      nonEmpty('--config', 'recipe.json'),
    );
}

/** For the help. */
export function knownRecipes(): string {
  const width = Math.max(...RECIPE_PRESETS.map(({ name }) => name.length));
  const lines = RECIPE_PRESETS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `\nRecipes (--recipe; docs/recipes.md has their options):\n${lines.join('\n')}\n`;
}

interface RawOptions {
  readonly runDir?: string;
  readonly resume?: string;
  readonly test?: boolean;
  readonly json?: boolean;
}

/**
 * To be called once the training options are resolved, and with them what a config file says.
 * @throws LockstepError E_OPTION for options that exclude each other
 */
export function sessionOptionsOf(
  command: Command,
): Pick<SessionOptions, 'runDir' | 'resume' | 'test'> & { readonly json: boolean } {
  const { runDir, resume, test = false, json = false } = command.opts<RawOptions>();
  if (resume !== undefined && runDir !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--resume ${resume} continues in its own folder; leave --run-dir ${runDir} out`,
    );
  }
  return { runDir: asPath(runDir), resume: asPath(resume), test, json };
}

/** A folder whose name begins like an option: from here on it is written so that no command takes it for one. */
function asPath(folder: string | undefined): string | undefined {
  return folder?.startsWith('-') === true ? `./${folder}` : folder;
}
