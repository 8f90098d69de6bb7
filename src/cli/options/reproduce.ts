/** The command that trains the same weights again, from what a run's config.json says. */

import path from 'node:path';
import { DATASET_NAMES } from '../../data/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import type { OptionValue } from '../../foundation/options/kind.js';
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
): string | undefined {
  if (typeof config['model'] !== 'string' || !COMMAND_DATA.has(config['dataset'])) return undefined;
  if (config['network'] !== undefined) {
    return commandLine('train', { config: path.join(folder, 'config.json') });
  }
  const options = TRAIN_OPTIONS.filter(({ bits }) => bits === 'recipe').flatMap((entry) => {
    const value = config[entry.key];
    const isDefault = JSON.stringify(value) === JSON.stringify(entry.default);
    if (value === undefined || value === null || (isDefault && entry.key !== 'model')) return [];
    return [[entry.key, entry.key === 'dataset' ? located(config) : (value as OptionValue)] as const];
  });
  return commandLine('train', Object.fromEntries(options));
}

function located({ dataset, dataDir }: Readonly<Record<string, unknown>>): string {
  const isOwn = dataset === 'folder' || dataset === 'idx';
  return isOwn && typeof dataDir === 'string' ? `${dataset}:${dataDir}` : String(dataset);
}
