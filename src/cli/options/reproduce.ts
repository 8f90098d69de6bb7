/** The command that trains the same weights again, from what a run's config.json says. */

import { commandLine } from '../../foundation/commandLine.js';
import { flagOf, TRAIN_OPTIONS } from './optionTable.js';

/** Only what decides the weights, and of that only what is not the default. Undefined: the config says no model. */
export function reproducingCommand(config: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof config['model'] !== 'string') return undefined;
  const words = TRAIN_OPTIONS.filter(({ bits }) => bits === 'recipe').flatMap((entry): readonly string[] => {
    const value = config[entry.key];
    const isDefault = JSON.stringify(value) === JSON.stringify(entry.default);
    if (value === undefined || value === null || (isDefault && entry.key !== 'model')) return [];
    // A switch is given by its flag alone, be it `--nesterov` or `--no-augment`.
    return typeof value === 'boolean' ? [flagOf(entry)] : [flagOf(entry), textOf(value)];
  });
  return commandLine('train', ...words);
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
