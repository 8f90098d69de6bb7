/** Resolves a run's options: defaults, then the config file, then the flags; checks that they fit each other. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { EngineName, Numerics, Precision } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { checkContradictions, defaultMicroBatch, flagOf, valueParser } from '../../session/index.js';
import type { OptionEntry, OptionValue, RequestedRecipe, TrainingOptions } from '../../session/index.js';
import { configAsksForJson, readConfigFile } from './configFile.js';
import type { ConfigFile } from './configFile.js';
import { dataDirOfEnvironment } from './dataDir.js';

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

function fromEnvironment(key: string): string | undefined {
  return key === 'dataDir' ? dataDirOfEnvironment() : undefined;
}

function refuse(message: string): never {
  throw new LockstepError('E_OPTION', message);
}
