/** The coordinator's own options, which a resumed run takes over from its config.json. The token is never among them. */

import path from 'node:path';
import type { Command } from 'commander';
import { COORDINATOR_OPTIONS, DOOR_OPTIONS, OPTIONS_BY_KEY } from './optionTable.js';
import { readRunConfig } from './readRunConfig.js';
import { parseJsonValue } from './values.js';
import type { OptionValue } from './values.js';

/** By key; what has no value is left out. */
export type CoordinatorSettings = Readonly<Record<string, OptionValue>>;

const WORKERS = COORDINATOR_OPTIONS.filter(({ key }) => key === 'workers');

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

/**
 * What a coordinator left in a run's config.json; nothing if none has written there, or the file cannot be read, of which
 * resuming has its own to say.
 * @param overruled keys that are given anew: what the file says of them is not looked at
 * @throws LockstepError E_OPTION for a value that no flag could have
 */
export async function readCoordinatorSettings(
  runDir: string,
  overruled: ReadonlySet<string> = new Set(),
): Promise<CoordinatorSettings> {
  const { file, content: saved } = await readRunConfig(runDir);
  if (!Object.hasOwn(saved, 'listen')) return {};
  const settings: Record<string, OptionValue> = {};
  for (const { key, kind, example } of [...DOOR_OPTIONS, ...WORKERS]) {
    const raw = Object.hasOwn(saved, key) && !overruled.has(key) ? saved[key] : null;
    if (raw !== null) settings[key] = parseJsonValue({ key, file }, raw, kind, example);
  }
  return settings;
}

/** Where the workers' token came from; the token itself is never kept. */
export type TokenSource = 'given' | 'made' | 'none';

/** Of the coordinator that had the run before; undefined if there was none, or one of an older version. */
export async function readTokenSource(runDir: string): Promise<TokenSource | undefined> {
  const { tokenSource } = (await readRunConfig(runDir)).content;
  return (['given', 'made', 'none'] as const).find((source) => source === tokenSource);
}

/** Keys of which the command's flags say something, or what they make wrong. */
export function overruledBy(command: Command): ReadonlySet<string> {
  const given = [...OPTIONS_BY_KEY.values()].filter(({ key }) => command.getOptionValueSource(key) === 'cli');
  return new Set(given.flatMap(({ key, replaces = [] }) => [key, ...replaces]));
}

/** Hands a resumed run's settings to the command as if they had been given. */
export function rememberCoordinatorSettings(command: Command, settings: CoordinatorSettings): void {
  for (const [key, value] of Object.entries(settings)) command.setOptionValueWithSource(key, value, 'config');
}
