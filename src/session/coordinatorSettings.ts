/**
 * What a coordinator leaves in a run's config.json, besides what every run leaves there: its own options, which a resumed
 * one takes over, and where the workers' token came from. The token itself is never kept.
 */

import type { OptionValue } from '../foundation/options/kind.js';
import { COORDINATOR_WORKERS, DOOR_SETTINGS } from './options/settings.js';
import { parseJsonValue } from './options/values.js';
import { readRunConfig } from './readRunConfig.js';

/** By key; what has no value is left out. */
export type CoordinatorSettings = Readonly<Record<string, OptionValue>>;

/**
 * Nothing if no coordinator has written there, or the file cannot be read, which resuming reports.
 * @param overruled keys that are given again: what the file says of them is not looked at
 * @throws LockstepError E_OPTION for a value that no option could have
 */
export async function readCoordinatorSettings(
  runDir: string,
  overruled: ReadonlySet<string> = new Set(),
): Promise<CoordinatorSettings> {
  const { file, content: saved } = await readRunConfig(runDir);
  if (!Object.hasOwn(saved, 'listen')) return {};
  const settings: Record<string, OptionValue> = {};
  for (const [key, { kind, example }] of Object.entries({ ...DOOR_SETTINGS, ...COORDINATOR_WORKERS })) {
    const raw = Object.hasOwn(saved, key) && !overruled.has(key) ? saved[key] : null;
    if (raw !== null) settings[key] = parseJsonValue({ key, file }, raw, kind, example);
  }
  return settings;
}

/** Where the workers' token came from. */
export type TokenSource = 'given' | 'made' | 'none';

/** Of the coordinator that had the run before; undefined if there was none, or one of an older version. */
export async function readTokenSource(runDir: string): Promise<TokenSource | undefined> {
  const { tokenSource } = (await readRunConfig(runDir)).content;
  return (['given', 'made', 'none'] as const).find((source) => source === tokenSource);
}

/** All of it: for a run that goes on without a coordinator, so that a later one finds it. */
export async function keptCoordinatorSettings(runDir: string): Promise<CoordinatorSettings> {
  const tokenSource = await readTokenSource(runDir);
  return { ...(await readCoordinatorSettings(runDir)), ...(tokenSource ? { tokenSource } : {}) };
}
