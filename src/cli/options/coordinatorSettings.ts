/** The coordinator's own options, from the command and to it: a resumed run takes them over from its config.json. */

import path from 'node:path';
import type { Command } from 'commander';
import type { OptionValue } from '../../foundation/options/kind.js';
import type { CoordinatorSettings } from '../../session/index.js';
import { DOOR_OPTIONS, OPTIONS_BY_KEY } from './optionTable.js';

/** Of a command that declares the coordinator's options. */
export function coordinatorSettingsOf(command: Command): CoordinatorSettings {
  const settings: Record<string, OptionValue> = {};
  for (const { key, isPath } of DOOR_OPTIONS) {
    const value = command.getOptionValue(key) as OptionValue | undefined;
    if (value === undefined) continue;
    settings[key] = isPath === true ? path.resolve(value as string) : value;
  }
  return settings;
}

/** Keys that the command's flags set, and keys whose remembered values these make wrong. */
export function overruledBy(command: Command): ReadonlySet<string> {
  const given = [...OPTIONS_BY_KEY.values()].filter(({ key }) => command.getOptionValueSource(key) === 'cli');
  return new Set(given.flatMap(({ key, replaces = [] }) => [key, ...replaces]));
}

/** Hands a resumed run's settings to the command as if they had been given. */
export function rememberCoordinatorSettings(command: Command, settings: CoordinatorSettings): void {
  for (const [key, value] of Object.entries(settings)) command.setOptionValueWithSource(key, value, 'config');
}
