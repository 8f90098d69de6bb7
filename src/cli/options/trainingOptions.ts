/** Resolves a run's options: defaults, then the config file, then the flags; checks that they fit each other. */

import type { Command } from 'commander';
import { Option } from 'commander';
import { recipeSchema } from '../../coordinator/index.js';
import type { Recipe } from '../../coordinator/index.js';
import type { EngineName, Numerics, Precision } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { configAsksForJson, readConfigFile } from './configFile.js';
import type { ConfigFile } from './configFile.js';
import { dataDirOfEnvironment } from './dataDir.js';
import { defaultMicroBatch, nearestMicroBatch, USUAL_MICRO_BATCH } from '../../session/index.js';
import { flagOf } from '../../session/index.js';
import type { OptionEntry } from '../../session/index.js';
import { valueParser } from '../../session/index.js';
import type { OptionValue } from '../../session/index.js';

/** The recipe before `--dataset auto` is decided. */
export type RequestedRecipe = Omit<Recipe, 'dataset'> & { readonly dataset: Recipe['dataset'] | 'auto' };

export interface TrainingOptions {
  readonly recipe: RequestedRecipe;
  readonly dataDir: string;
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
  readonly device?: string | undefined;
  readonly tune: boolean;
  readonly precision: Precision;
  readonly workers: number;
  readonly checkpointEvery: number;
  /** Keys that the user gave, on the command line or in a config file. */
  readonly given: ReadonlySet<string>;
}

/** Null, for commander, which makes a text of null. */
const NONE = Symbol('none');

/** Declares the options of the table on a command. */
export function declareOptions(command: Command, entries: readonly OptionEntry[]): void {
  for (const entry of entries) {
    const option = new Option(entry.flags, entry.help);
    if (entry.kind.kind !== 'switch') {
      const parse = valueParser(flagOf(entry), entry.kind, entry.example);
      option.argParser((text: string) => parse(text) ?? NONE);
      if (entry.default !== undefined)
        option.default(entry.default, entry.defaultText ?? String(entry.default));
    }
    command.addOption(option);
  }
}

/**
 * Also hands what a config file says to the command, as if flags had said it: read its other options after this.
 * @param entries the options of the table that were declared on the command
 * @throws LockstepError E_OPTION for a malformed, unknown or contradictory value
 */
export function resolveTrainingOptions(command: Command, entries: readonly OptionEntry[]): TrainingOptions {
  const { config, resume } = command.opts<{ config?: string; resume?: string }>();
  if (resume !== undefined && config !== undefined) {
    refuse(`--resume ${resume} has its own settings; leave --config ${config} out`);
  }
  const fromFlags = new Set(
    entries.map(({ key }) => key).filter((key) => command.getOptionValueSource(key) === 'cli'),
  );
  if (config !== undefined && !fromFlags.has('json') && configAsksForJson(config)) {
    command.setOptionValueWithSource('json', true, 'config');
  }
  const { values: fromFile, isOfARun } =
    config === undefined ? NO_FILE : readConfigFile(config, { entries, overruled: fromFlags });
  for (const [key, value] of Object.entries(fromFile)) {
    command.setOptionValueWithSource(key, value, 'config');
  }
  const given = new Set([...Object.keys(fromFile), ...fromFlags]);
  const valueOf = ({ key, default: fallback }: OptionEntry): OptionValue | undefined => {
    if (!given.has(key)) return fromEnvironment(key) ?? fallback;
    const value = command.getOptionValue(key) as OptionValue | typeof NONE;
    return value === NONE ? null : value;
  };
  const values = Object.fromEntries(
    entries.filter((entry) => entry.recipe).map((entry) => [entry.key, valueOf(entry) ?? null]),
  ) as unknown as RequestedRecipe;
  const recipe = given.has('microBatch')
    ? values
    : { ...values, microBatch: defaultMicroBatch(values.batchSize) };
  // A run's config.json holds every option, also those that its schedule has no use for: nobody asked for them.
  // A resumed run has its own recipe; what is given beside it is compared with that, not with the defaults.
  if (resume === undefined) checkContradictions(recipe, isOfARun ? fromFlags : given);
  const settings = Object.fromEntries(entries.map((entry) => [entry.key, valueOf(entry)]));
  return {
    recipe,
    dataDir: settings['dataDir'] as string,
    engine: settings['engine'] as EngineName | 'auto',
    numerics: settings['numerics'] as Numerics,
    device: settings['device'] as string | undefined,
    tune: settings['tune'] as boolean,
    precision: settings['precision'] as Precision,
    workers: settings['workers'] as number,
    checkpointEvery: settings['checkpointEvery'] as number,
    given,
  };
}

const NO_FILE: ConfigFile = { values: {}, isOfARun: false };

/** The recipe with its data set decided, checked once more as a whole. */
export function settleRecipe(recipe: RequestedRecipe, dataset: Recipe['dataset']): Recipe {
  return recipeSchema.parse({ ...recipe, dataset });
}

/** What can be meant, and probably is not. */
export function recipeNotices(recipe: Recipe, given: ReadonlySet<string>): readonly string[] {
  const { schedule, milestones, epochs } = recipe;
  const beyond = milestones.filter((milestone) => milestone >= epochs);
  if (schedule !== 'multistep' || !given.has('milestones') || beyond.length === 0) return [];
  const which = beyond.length === 1 ? 'milestone is' : 'milestones are';
  return [
    `--milestones ${milestones.join(',')}: the ${which} never reached: ${beyond.join(', ')}, for there ` +
      `${epochs === 1 ? 'is 1 epoch' : `are ${epochs} epochs`}; the learning rate does not fall there`,
  ];
}

/** What was decided for the user otherwise than the help says. */
export function recipeRemarks(
  { batchSize, microBatch }: Recipe,
  given: ReadonlySet<string>,
): readonly string[] {
  if (given.has('microBatch') || microBatch === USUAL_MICRO_BATCH) return [];
  return [
    `--micro-batch ${microBatch}: the largest divisor of --batch-size ${batchSize} up to ${USUAL_MICRO_BATCH}`,
  ];
}

function fromEnvironment(key: string): string | undefined {
  return key === 'dataDir' ? dataDirOfEnvironment() : undefined;
}

/** Combinations that cannot be meant. */
function checkContradictions(recipe: RequestedRecipe, given: ReadonlySet<string>): void {
  const { batchSize, microBatch, schedule, warmupEpochs, epochs, valSize, momentum, nesterov } = recipe;
  const { augment, cropPadding } = recipe;
  if (batchSize % microBatch !== 0) {
    const below = Math.floor(batchSize / microBatch) * microBatch;
    const fitting = [below, below + microBatch].filter((size) => size > 0).join(' or ');
    const dividing = nearestMicroBatch(batchSize, microBatch);
    refuse(
      `--batch-size ${batchSize} must be a multiple of --micro-batch ${microBatch}; use --batch-size ${fitting}, or --micro-batch ${dividing}`,
    );
  }
  for (const key of ['milestones', 'gamma']) {
    if (given.has(key) && schedule !== 'multistep') {
      refuse(
        `--${key} belongs to --schedule multistep, and the schedule is ${schedule}; leave one of them out`,
      );
    }
  }
  if (warmupEpochs > 0 && schedule === 'onecycle') {
    refuse(
      `--warmup-epochs ${warmupEpochs} contradicts --schedule onecycle, which warms up by itself; leave it out`,
    );
  }
  if (warmupEpochs >= epochs) {
    refuse(
      `--warmup-epochs ${warmupEpochs} must be below --epochs ${epochs}; use --warmup-epochs ${epochs - 1}`,
    );
  }
  if (given.has('cropPadding') && !augment) {
    refuse(
      `--crop-padding ${cropPadding} contradicts --no-augment, which crops nothing; leave one of them out`,
    );
  }
  if (nesterov && momentum === 0) refuse('--nesterov needs a momentum above 0; use --momentum 0.9');
  if (valSize === 0 && given.has('patience') && recipe.patience > 0) {
    refuse(`--patience ${recipe.patience} needs validation samples, and --val-size is 0; use --patience 0`);
  }
}

function refuse(message: string): never {
  throw new LockstepError('E_OPTION', message);
}
