/** The options of `train` and `coordinator` that have no place in a config file, and what they make of the others. */

import type { Command } from 'commander';
import { LockstepError } from '../../foundation/errors.js';
import { holdsRunToResume, RECIPE_PRESETS } from '../../coordinator/index.js';
import type { Scheduler } from '../process/stopSignal.js';
import { nonEmpty } from '../../session/index.js';
import { runDirInConfig } from './configFile.js';
import type { SessionOptions } from '../../session/index.js';

export function declareRunOptions(command: Command): void {
  command
    .option(
      '--resume <dir>',
      'continue the run in this folder, with its own settings; auto: continue the run in --run-dir if there is one, else begin it',
      nonEmpty('--resume', 'runs/first'),
    )
    .option(
      '--config <file>',
      'JSON file with these options as keys, such as {"epochs": 20}; flags win',
      nonEmpty('--config', 'recipe.json'),
    );
}

/** Of commands that a scheduler may run. @param whatItDoes as at SIGTERM */
export function declareStopSignal(command: Command, whatItDoes = 'save and stop'): void {
  command.option(
    '--stop-signal <name>',
    `${whatItDoes} at this signal too, as at SIGTERM: ${STOP_SIGNALS.map((name) => name.slice(3)).join(', ')}`,
    parseStopSignal,
  );
}

/** The scheduler that a given signal speaks of; undefined if none was given. */
export function schedulerOf(command: Command): Scheduler | undefined {
  const { stopSignal: warning } = command.opts<{ stopSignal?: NodeJS.Signals }>();
  return warning === undefined ? undefined : { warning };
}

const STOP_SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGXCPU'] as const;

function parseStopSignal(text: string): NodeJS.Signals {
  const name = text.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const known = STOP_SIGNALS.find((signal) => signal === name);
  if (known !== undefined) return known;
  const names = STOP_SIGNALS.map((signal) => signal.slice(3)).join(', ');
  throw new LockstepError(
    'E_OPTION',
    `--stop-signal ${JSON.stringify(text)} must be one of ${names}; for example --stop-signal USR1`,
  );
}

/** The value of `--resume` that leaves the decision to what is in the run folder. */
const AUTO = 'auto';

/**
 * Decides `--resume auto`: from here on the command is one that resumes its run folder, or one that makes it. To be called
 * before anything else reads the options.
 * @param defaultRunDir where a run lies that is given no folder
 * @returns whether the run was to be continued if there is one; then a complete run is no error
 * @throws LockstepError E_OPTION without a run folder
 */
export function settleResume(command: Command, defaultRunDir?: string): boolean {
  const { resume } = command.opts<RawOptions>();
  if (resume !== AUTO) return false;
  const runDir = givenRunDir(command) ?? defaultRunDir;
  if (runDir === undefined) {
    throw new LockstepError(
      'E_OPTION',
      '--resume auto needs a folder to look into; give one with --run-dir, or write --resume ./auto for a run of that name',
    );
  }
  const holdsRun = holdsRunToResume(runDir);
  command.setOptionValueWithSource('resume', holdsRun ? runDir : undefined, AUTO);
  if (holdsRun) command.setOptionValueWithSource('runDir', undefined, AUTO);
  return true;
}

/** By the flag, or by the file of `--config`, which is not read as a whole yet. */
export function givenRunDir(command: Command): string | undefined {
  const { runDir, config } = command.opts<RawOptions>();
  return runDir ?? (config === undefined ? undefined : runDirInConfig(config));
}

/** For a process that begins and continues nothing itself. */
export function beginsAnew(command: Command): void {
  if (command.opts<RawOptions>().resume === AUTO) command.setOptionValueWithSource('resume', undefined, AUTO);
}

/** Whether a run is resumed by `--resume auto`: the line is that of its first start, with all it said of the recipe. */
export function isResumedByAuto(command: Command): boolean {
  return command.getOptionValueSource('resume') === AUTO;
}

/** For the help. */
export function knownRecipes(): string {
  const width = Math.max(...RECIPE_PRESETS.map(({ name }) => name.length));
  const lines = RECIPE_PRESETS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `\nRecipes (--recipe; docs/recipes.md has their options):\n${lines.join('\n')}\n`;
}

interface RawOptions {
  readonly runDir?: string;
  readonly config?: string;
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
