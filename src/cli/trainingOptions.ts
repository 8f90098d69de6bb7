/** Resolves a run's options: defaults, then the config file, then the flags; checks that they fit each other. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Option } from 'commander';
import { recipeSchema } from '../coordinator/index.js';
import type { Recipe } from '../coordinator/index.js';
import type { EngineName, Numerics } from '../engine/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { flagOf, TRAINING_OPTIONS } from './optionTable.js';
import type { OptionEntry } from './optionTable.js';
import { closest } from './suggest.js';
import { parseValue } from './values.js';
import type { OptionValue } from './values.js';

/** The recipe before `--dataset auto` is decided. */
export type RequestedRecipe = Omit<Recipe, 'dataset'> & { readonly dataset: Recipe['dataset'] | 'auto' };

export interface TrainingOptions {
  readonly recipe: RequestedRecipe;
  readonly dataDir: string;
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
  readonly workers: number;
  readonly checkpointEvery: number;
  /** Keys that the user gave, on the command line or in a config file. */
  readonly given: ReadonlySet<string>;
}

/** Declares the options of the table on a command. */
export function declareOptions(command: Command, entries: readonly OptionEntry[]): void {
  for (const entry of entries) {
    const option = new Option(entry.flags, entry.help);
    if (entry.kind.kind !== 'switch') {
      const flag = flagOf(entry);
      option.argParser((text: string) => parseValue(flag, text, entry.kind, entry.example));
      if (entry.default !== undefined)
        option.default(entry.default, entry.defaultText ?? String(entry.default));
    }
    command.addOption(option);
  }
}

/** @throws LockstepError E_OPTION for a malformed, unknown or contradictory value */
export function resolveTrainingOptions(command: Command, workersOption: OptionEntry): TrainingOptions {
  const entries = [...TRAINING_OPTIONS, workersOption];
  const values: Record<string, OptionValue | undefined> = {};
  for (const { key, default: value } of entries) values[key] = value;
  const fromFlags = flagsGiven(command, entries);
  const { config, resume } = command.opts<{ config?: string; resume?: string }>();
  const { values: fromFile, isOfARun } = readConfigFile(config, {
    entries,
    overruled: fromFlags,
  });
  Object.assign(values, fromEnvironment(), fromFile, fromFlags);
  const given = new Set([...Object.keys(fromFile), ...Object.keys(fromFlags)]);
  const { dataDir, engine, numerics, workers, checkpointEvery, ...recipe } = values;
  const requested = {
    ...recipe,
    trainLimit: recipe['trainLimit'] ?? null,
    maxSteps: recipe['maxSteps'] ?? null,
  };
  // A run's config.json holds every option, also those that its schedule has no use for: nobody asked for them.
  const asked = isOfARun ? new Set(Object.keys(fromFlags)) : given;
  // A resumed run has its own recipe; what is given beside it is compared with that, not with the defaults.
  if (resume === undefined) checkContradictions(requested as unknown as RequestedRecipe, asked);
  return {
    recipe: requested as unknown as RequestedRecipe,
    dataDir: dataDir as string,
    engine: engine as EngineName | 'auto',
    numerics: numerics as Numerics,
    workers: workers as number,
    checkpointEvery: checkpointEvery as number,
    given,
  };
}

/** The recipe with its data set decided, checked once more as a whole. */
export function settleRecipe(recipe: RequestedRecipe, dataset: Recipe['dataset']): Recipe {
  return recipeSchema.parse({ ...recipe, dataset });
}

function flagsGiven(command: Command, entries: readonly OptionEntry[]): Record<string, OptionValue> {
  const given: Record<string, OptionValue> = {};
  for (const { key } of entries) {
    if (command.getOptionValueSource(key) === 'cli') given[key] = command.getOptionValue(key) as OptionValue;
  }
  return given;
}

function fromEnvironment(): Record<string, OptionValue> {
  const dataDir = process.env['LOCKSTEP_DATA_DIR'];
  return dataDir ? { dataDir } : {};
}

/** What a run's config.json says besides its options. */
const RUN_KEYS: ReadonlySet<string> = new Set(['versions', 'host']);

interface ConfigFile {
  readonly values: Record<string, OptionValue>;
  /** Whether it is the config.json of a run, or was made from one. */
  readonly isOfARun: boolean;
}

/** Keys in camel case as in config.json, or as the flags are written; null means "not given". */
function readConfigFile(
  file: string | undefined,
  { entries, overruled }: { readonly entries: readonly OptionEntry[]; readonly overruled: object },
): ConfigFile {
  if (file === undefined) return { values: {}, isOfARun: false };
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new LockstepError(
      'E_OPTION',
      `--config ${file} must be a readable JSON file: ${describeError(error)}`,
    );
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new LockstepError(
      'E_OPTION',
      `--config ${file} must hold one JSON object, such as { "epochs": 20 }`,
    );
  }
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const values: Record<string, OptionValue> = {};
  for (const [name, raw] of Object.entries(content)) {
    if (RUN_KEYS.has(name)) continue;
    const key = name.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const entry = byKey.get(key);
    if (!entry) {
      const near = closest(key, [...byKey.keys()]);
      throw new LockstepError(
        'E_OPTION',
        `--config ${file}: unknown key "${name}"${near ? `; did you mean "${near}"?` : ''}`,
      );
    }
    if (raw !== null && !(key in overruled))
      values[key] = parseValue(`"${name}" in ${file}:`, raw, entry.kind, entry.example);
  }
  return { values, isOfARun: Object.keys(content).some((name) => RUN_KEYS.has(name)) };
}

/** Combinations that cannot be meant. */
function checkContradictions(recipe: RequestedRecipe, given: ReadonlySet<string>): void {
  const { batchSize, microBatch, schedule, warmupEpochs, epochs, valSize, momentum, nesterov } = recipe;
  if (batchSize % microBatch !== 0) {
    const below = Math.floor(batchSize / microBatch) * microBatch;
    const fitting = [below, below + microBatch].filter((size) => size > 0).join(' or ');
    refuse(
      `batch size ${batchSize} must be a multiple of the micro-batch ${microBatch}; use --batch-size ${fitting}`,
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
  if (nesterov && momentum === 0) refuse('--nesterov needs a momentum above 0; use --momentum 0.9');
  if (valSize === 0 && given.has('patience') && recipe.patience > 0) {
    refuse(`--patience ${recipe.patience} needs validation samples, and --val-size is 0; use --patience 0`);
  }
}

function refuse(message: string): never {
  throw new LockstepError('E_OPTION', message);
}
