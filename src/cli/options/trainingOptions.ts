/** Resolves a run's options: defaults, then a known recipe, then the environment, then the config file, then the flags. */

import type { Command } from 'commander';
import { Option } from 'commander';
import { checkContradictions, locateDataset, withDefaults, withPreset } from '../../coordinator/index.js';
import { LockstepError } from '../../foundation/errors.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import { isPresetName, withWidth } from '../../model/index.js';
import { valueParser } from '../../session/index.js';
import type { NetworkSource, RunSettings, TrainingOptions } from '../../session/index.js';
import { configAsksForJson, readConfigFile } from './configFile.js';
import type { ConfigFile } from './configFile.js';
import { fromEnvironment } from './environment.js';
import { flagOf, oppositeOf } from './optionTable.js';
import type { OptionEntry } from './optionTable.js';
import { readTextFile } from './readTextFile.js';
import { isResumedByAuto } from './runOptions.js';

/** Null, for commander, which makes a text of null. */
const NONE = Symbol('none');

/** By what was declared, for the reference. */
const DECLARED = new WeakMap<Option, OptionEntry>();

/** Declares options on a command. */
export function declareOptions(command: Command, entries: readonly OptionEntry[]): void {
  for (const entry of entries) {
    const option = new Option(entry.flags, helpOf(entry)).helpGroup(`${entry.group}:`);
    DECLARED.set(option, entry);
    const { kind } = entry;
    if (kind.kind !== 'switch') {
      const parse = valueParser(flagOf(entry), kind, entry.example);
      option.argParser((text: string) => parse(text) ?? NONE);
      const environment = fromEnvironment(entry);
      const byDefault = environment ?? entry.default;
      if (byDefault !== undefined && byDefault !== null) {
        // What the environment holds may be a secret.
        const shown = environment === undefined ? String(byDefault) : "the variable's";
        option.default(byDefault, entry.defaultText ?? shown);
      }
    }
    command.addOption(option);
    const opposite = oppositeOf(entry);
    if (opposite !== undefined) command.addOption(new Option(opposite, `not: ${entry.help}`).hideHelp());
  }
}

function helpOf({ help, environment }: OptionEntry): string {
  return environment === undefined ? help : `${help} (env ${environment})`;
}

/** Undefined for an option that a command declares by itself. */
export function definitionOf(option: Option): OptionEntry | undefined {
  return DECLARED.get(option);
}

/**
 * Also hands what a config file says to the command, as if flags had said it: read its other options after this.
 * @param entries the options that were declared on the command
 * @throws LockstepError E_OPTION for a malformed, unknown or contradictory value
 */
export function resolveTrainingOptions(command: Command, entries: readonly OptionEntry[]): TrainingOptions {
  const { config, resume: resumed } = command.opts<{ config?: string; resume?: string }>();
  const resume = isResumedByAuto(command) ? undefined : resumed;
  if (resume !== undefined && config !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--resume ${resume} has its own settings; leave --config ${config} out`,
    );
  }
  const fromFlags = new Set(
    entries.map(({ key }) => key).filter((key) => command.getOptionValueSource(key) === 'cli'),
  );
  // A run that goes on does so in its own folder, which may be the one that the file names.
  const overruled =
    resumed !== undefined && isResumedByAuto(command) ? new Set([...fromFlags, 'runDir']) : fromFlags;
  if (config !== undefined && !fromFlags.has('json') && configAsksForJson(config)) {
    command.setOptionValueWithSource('json', true, 'config');
  }
  const { values: fromFile, isOfARun } =
    config === undefined ? NO_FILE : readConfigFile(config, { entries, overruled });
  for (const [key, value] of Object.entries(fromFile)) {
    command.setOptionValueWithSource(key, value, 'config');
  }
  const given = new Set([...Object.keys(fromFile), ...fromFlags]);
  const { recipe: preset } = command.opts<{ recipe?: string }>();
  if (preset !== undefined) refusePresetBeside(preset, { resume, config: isOfARun ? config : undefined });
  const askedFor = (entry: OptionEntry): OptionValue | undefined =>
    given.has(entry.key) ? givenValue(command, entry.key) : fromEnvironment(entry);
  const environment = new Map(
    entries
      .filter((entry) => !given.has(entry.key) && fromEnvironment(entry) !== undefined)
      .map(({ key, environment: variable }) => [key, variable!]),
  );
  const inRecipe = entries.filter(({ bits }) => bits === 'recipe');
  const settings = entries.filter(({ bits }) => bits !== 'recipe');
  const asked = Object.fromEntries(inRecipe.map((entry) => [entry.key, askedFor(entry)]));
  const located = locatedData(
    asked['dataset'],
    given.has('dataDir') ? givenValue(command, 'dataDir') : undefined,
  );
  if (located.dataset !== undefined) asked['dataset'] = located.dataset;
  if (located.dataDir !== undefined) {
    given.add('dataDir');
    environment.delete('dataDir');
  }
  const { model, ...others } = withDefaults(withPreset(preset, asked));
  const recipe = { ...others, model: widened(model, command, resume) };
  const values = Object.fromEntries(
    settings.map((entry) => [
      entry.key,
      (entry.key === 'dataDir' ? located.dataDir : undefined) ?? askedFor(entry) ?? entry.default,
    ]),
  ) as unknown as RunSettings & { readonly workers: number };
  // A resumed run has its own recipe; what is given beside it is compared with that, not with the defaults.
  // A run's config.json holds every option, also those without effect under its schedule: nobody asked for them.
  if (resumed === undefined) checkContradictions(recipe, isOfARun ? fromFlags : given);
  return { ...values, recipe, network: readNetwork(recipe.model), given, environment };
}

/** `folder:DIR` is the data set `folder`, which the recipe keeps, and the folder, which is a setting. */
function locatedData(
  dataset: OptionValue | undefined,
  dataDir: OptionValue | undefined,
): { readonly dataset: string | undefined; readonly dataDir: string | undefined } {
  const folder = typeof dataDir === 'string' ? dataDir : undefined;
  if (typeof dataset === 'string') return locateDataset(dataset, folder);
  return { dataset: undefined, dataDir: folder };
}

/**
 * What `--model` says: the name of a preset, or of a file.
 * @throws LockstepError E_OPTION for a file that cannot be read
 */
export function readNetwork(given: string): NetworkSource {
  return isPresetName(given)
    ? { kind: 'preset', name: given }
    : { kind: 'file', file: given, text: readTextFile('--model', given) };
}

/**
 * The model with `--width` times the channels, by the name that the run keeps.
 * @throws LockstepError E_OPTION for a model that has no width
 */
function widened(model: string, command: Command, resume: string | undefined): string {
  const { width } = command.opts<{ width?: number | typeof NONE }>();
  if (typeof width !== 'number') return model;
  if (resume !== undefined) {
    throw new LockstepError('E_OPTION', `--resume ${resume} has its own network; leave --width ${width} out`);
  }
  return ofWidth(model, width, `--model ${model}`);
}

/**
 * @param asGiven how the user has named the model
 * @throws LockstepError E_OPTION for a model that has no width
 */
export function ofWidth(model: string, width: number, asGiven: string): string {
  const name = withWidth(model, width);
  if (name !== undefined) return name;
  throw new LockstepError(
    'E_OPTION',
    `--width ${width} is for networks such as resnet20, and not for ${asGiven}; leave it out`,
  );
}

/** Both have every option already. */
function refusePresetBeside(
  preset: string,
  { resume, config }: { readonly resume: string | undefined; readonly config: string | undefined },
): void {
  const other = resume === undefined ? config && `--config ${config}` : `--resume ${resume}`;
  if (other === undefined) return;
  throw new LockstepError(
    'E_OPTION',
    `${other} has all options of its run; leave --recipe ${preset} out${resume === undefined ? ', or give a file of your own' : ''}`,
  );
}

const NO_FILE: ConfigFile = { values: {}, isOfARun: false };

function givenValue(command: Command, key: string): OptionValue {
  const value = command.getOptionValue(key) as OptionValue | typeof NONE;
  return value === NONE ? null : value;
}
