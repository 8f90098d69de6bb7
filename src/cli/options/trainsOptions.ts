/** The options of `train`, for commands that look at a training before it begins: the same line works with either. */

import { Command, Option } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import { LockstepError } from '../../foundation/errors.js';
import { advice, OptionError, use } from '../../foundation/options/optionError.js';
import { nonEmpty } from '../../session/index.js';
import type { TrainingOptions } from '../../session/index.js';
import { flagOf, TRAIN_OPTIONS } from './optionTable.js';
import { declareRunOptions, declareStopSignal } from './runOptions.js';
import { declareOptions, resolveTrainingOptions } from './trainingOptions.js';
import { declareOwnPage } from './uiOptions.js';

/** Shown in the help of the command itself. */
const SHOWN: ReadonlySet<string> = new Set([
  ...['dataset', 'dataDir', 'model', 'recipe', 'workers', 'engine', 'json'],
]);

/** Of what a run keeps and whom it tells: accepted, so that the line of a training can be used, and left aside with a word. */
const WITHOUT_EFFECT: readonly string[] = [
  ...['runDir', 'test', 'checkpointEvery', 'tensorboard', 'tune'],
  ...['mlflow', 'mlflowExperiment', 'clearml', 'clearmlProject'],
];

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
  refuseThoseOfASession(command);
  command
    .option(
      '--config <file>',
      'JSON file with options as keys; flags win',
      nonEmpty('--config', 'recipe.json'),
    )
    .addHelpText(
      'after',
      () =>
        `\nAll options of a training are accepted: ${commandLine('train', { help: true })} lists them; those of a run in progress are not: ${[...OF_A_SESSION.map(({ long }) => long), '--gpus'].join(', ')}.`,
    );
}

/** What `train` takes of a run that goes on: there is none here. */
const OF_A_SESSION: readonly Option[] = (() => {
  const session = new Command();
  declareRunOptions(session);
  declareStopSignal(session);
  declareOwnPage(session);
  return session.options.filter((option) => option.attributeName() !== 'config');
})();

/** Known, so that the error can say why, in place of proposing an option that is written alike. */
function refuseThoseOfASession(command: Command): void {
  for (const { flags, long } of OF_A_SESSION) {
    const refuse = (): never => {
      throw new LockstepError(
        'E_OPTION',
        `${commandLine(command.name())} does not take ${long}: it looks at a training before it begins, and starts and continues no run; leave it out`,
      );
    };
    command.addOption(new Option(flags).preset('').argParser(refuse).hideHelp());
  }
}

/**
 * @param own the keys of the command's own options, which act
 * @param tell told of options of the line that have no effect
 * @throws LockstepError E_OPTION for a malformed, unknown or contradictory value
 */
export function resolveTrainsOptions(
  command: Command,
  own: readonly string[],
  tell: (notice: string) => void,
): TrainingOptions {
  const training = resolveTrainingOptions(command, TRAIN_OPTIONS);
  const { gpus } = command.opts<{ gpus?: string }>();
  if (gpus !== undefined) throw oneDevice(gpus);
  const idle = TRAIN_OPTIONS.filter(
    ({ key }) =>
      WITHOUT_EFFECT.includes(key) && !own.includes(key) && command.getOptionValueSource(key) === 'cli',
  );
  if (idle.length > 0) {
    tell(`no effect here, where no run is made: ${idle.map(flagOf).join(', ')}`);
  }
  return training;
}

/** Its processes join a run by its address, and here is none. */
function oneDevice(gpus: string): OptionError {
  return new OptionError(
    [
      { option: 'gpus', value: gpus },
      ' is for a run: what looks at one before it begins computes in this process',
    ],
    [use('engine', 'webgpu'), advice('choose a GPU with ', { option: 'device', value: '0' })],
  );
}
