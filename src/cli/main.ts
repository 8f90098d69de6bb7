/** The command line: assembles the commands, and turns whatever is thrown into a message and an exit code. */

import { Command, CommanderError } from 'commander';
import { TENSORFLOW_ENVIRONMENT } from '../engine/index.js';
import { nameProgram } from '../foundation/commandLine.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import type { ErrorCode } from '../foundation/errors.js';
import { LOCKSTEP_VERSION } from '../protocol/index.js';
import { addCheckCommand } from './commands/check.js';
import { addCoordinatorCommand } from './commands/coordinator.js';
import { addDataCommand } from './commands/data.js';
import { addDiffCommand } from './commands/diff.js';
import { addEnginesCommand } from './commands/engines.js';
import { addEvaluateCommand } from './commands/evaluate.js';
import { addExportCommand } from './commands/export.js';
import { addPredictCommand } from './commands/predict.js';
import { addLrFindCommand } from './commands/lrFind.js';
import { addRelayCommand } from './commands/relay.js';
import { addReportCommand } from './commands/report.js';
import { addRunsCommand } from './commands/runs.js';
import { addShowCommand } from './commands/show.js';
import { addSimulateCommand } from './commands/simulate.js';
import { addSetupCommand } from './commands/setup.js';
import { addLaunchCommand } from './commands/launch.js';
import { addModelCommand } from './commands/model.js';
import { addTrainCommand } from './commands/train.js';
import { addUiCommand } from './commands/ui.js';
import { addWorkerCommand } from './commands/worker.js';
import { addExamples } from './options/missingArgument.js';
import { inFlags } from './options/inFlags.js';
import { letHeapGrow } from './process/heapGrowth.js';
import { watchOutput } from './process/lostOutput.js';
import { programName } from './process/programName.js';
import { printError, printJson } from './process/terminal.js';
import { hideToken } from './token/token.js';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs the command line. Never throws; sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  watchOutput();
  hideToken(argv);
  nameProgram(callableName());
  for (const [name, value] of Object.entries(TENSORFLOW_ENVIRONMENT)) process.env[name] ??= value;
  const program = buildProgram();
  const tell = (error: unknown): number =>
    report(error, argv.includes('--json') || program.commands.some(wantsJson));
  // Nobody waits for it, so nobody can have caught it: a bug, and told as such.
  const onUncaught = (error: unknown): never => process.exit(tell(error));
  process.on('uncaughtException', onUncaught);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = tell(error);
  } finally {
    process.off('uncaughtException', onUncaught);
  }
}

/** Without a current folder there is no relative name; the command itself reports the missing folder. */
function callableName(): string {
  try {
    return programName();
  } catch {
    return 'lockstep';
  }
}

/** By a flag, or by a config file. */
function wantsJson(command: Command): boolean {
  return command.opts<{ json?: unknown }>().json === true;
}

export function buildProgram(): Command {
  const program = new Command('lockstep')
    .description(
      'Distributed data-parallel training of CIFAR-10 ResNets: same seed, same weights, to the last bit.',
    )
    .version(LOCKSTEP_VERSION)
    .configureHelp({ helpWidth: 100 })
    .showSuggestionAfterError()
    .exitOverride()
    .hook('preAction', refuseDeletedFolder)
    .hook('preAction', (_, command) => letHeapGrow(command.name()));
  for (const add of [
    addTrainCommand,
    addCheckCommand,
    addLrFindCommand,
    addCoordinatorCommand,
    addWorkerCommand,
    addLaunchCommand,
    addRelayCommand,
    addSimulateCommand,
    addEvaluateCommand,
    addPredictCommand,
    addExportCommand,
    addUiCommand,
    addRunsCommand,
    addShowCommand,
    addDiffCommand,
    addReportCommand,
    addDataCommand,
    addModelCommand,
    addEnginesCommand,
    addSetupCommand,
  ]) {
    add(program);
  }
  program.commands.forEach(inherit);
  return program;
}

/** Threads and relative paths need the folder that the process was started in. */
function refuseDeletedFolder(): void {
  try {
    process.cwd();
  } catch (error) {
    throw new LockstepError(
      'E_IO',
      `the current folder is not there any more (${describeError(error)}); change to one that is, with cd`,
    );
  }
}

/** Subcommands do not inherit settings that are made before they are added. */
function inherit(command: Command): void {
  command.exitOverride().showSuggestionAfterError().configureHelp({ helpWidth: 100 });
  addExamples(command);
  command.commands.forEach(inherit);
}

/**
 * Tells the user, and machines if they ask.
 * @returns the exit code
 */
export function report(thrown: unknown, json: boolean): number {
  const error = inFlags(thrown);
  if (error instanceof CommanderError) {
    // Commander has printed the message, or the help that was asked for.
    if (error.exitCode === 0) return 0;
    if (json) printErrorEvent('E_OPTION', error.message.replace(/^error: /, ''));
    return EXIT_USAGE;
  }
  const known = error instanceof LockstepError ? error : undefined;
  const code = known?.code ?? 'E_INTERNAL';
  if (json) printErrorEvent(code, describeError(error));
  printError(`lockstep: ${describeError(error).replace(/\s*\n\s*/g, ' ')} [${code}]`);
  if (!known && error instanceof Error) printError(String(error.stack));
  return code === 'E_OPTION' ? EXIT_USAGE : EXIT_FAILURE;
}

/** The last line of `--json`. */
function printErrorEvent(code: ErrorCode, message: string): void {
  printJson({ event: 'error', code, message });
}
