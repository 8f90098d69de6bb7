/** The command that trains the same weights again, from what a run's config.json says. */

import path from 'node:path';
import { isDigest } from '../../coordinator/index.js';
import { DATASET_NAMES } from '../../data/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import { isMet } from '../../foundation/options/definition.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import type { Reproduction } from '../../watch/index.js';
import { TRAIN_OPTIONS } from './optionTable.js';

/** The data sets that a command can train on; a program may bring others. Those of one's own are named with their folder. */
const COMMAND_DATA: ReadonlySet<unknown> = new Set(DATASET_NAMES);

/**
 * Only what decides the weights, and of that only what is not the default.
 * @param folder of the run; a network of the user's own is in its config.json
 * @returns undefined if no command can train the same: a program brought the data, or the config names no model
 */
export function reproducingCommand(
  config: Readonly<Record<string, unknown>>,
  folder: string,
): Reproduction | undefined {
  if (typeof config['model'] !== 'string' || !COMMAND_DATA.has(config['dataset'])) return undefined;
  const { init } = config;
  const needsWeights = typeof init === 'string' && isDigest(init);
  const note = needsWeights
    ? `In place of ${WEIGHTS} write the run or the file that it began with, whose weights have the digest ${init}.`
    : undefined;
  if (config['network'] !== undefined) {
    const known = { config: path.join(folder, 'config.json') };
    return { command: commandLine('train', { ...known, ...(needsWeights && { init: WEIGHTS }) }), note };
  }
  const options = TRAIN_OPTIONS.filter(({ bits }) => bits === 'recipe').flatMap((entry) => {
    const value = config[entry.key];
    const isDefault = JSON.stringify(value) === JSON.stringify(entry.default);
    if (value === undefined || value === null || (isDefault && entry.key !== 'model')) return [];
    if (!isMet(entry.onlyWith, config)) return []; // it has no effect, and train would refuse it
    return [[entry.key, writtenValue(entry.key, config)] as const];
  });
  return { command: commandLine('train', Object.fromEntries(options)), note };
}

/** The digest says which weights these are, not where. */
const WEIGHTS = 'WEIGHTS';

function writtenValue(key: string, config: Readonly<Record<string, unknown>>): OptionValue {
  const value = config[key] as OptionValue;
  if (key === 'dataset') return located(config);
  return key === 'init' && isDigest(String(value)) ? WEIGHTS : value;
}

function located({ dataset, dataDir }: Readonly<Record<string, unknown>>): string {
  const isOwn = dataset === 'folder' || dataset === 'idx';
  return isOwn && typeof dataDir === 'string' ? `${dataset}:${dataDir}` : String(dataset);
}
