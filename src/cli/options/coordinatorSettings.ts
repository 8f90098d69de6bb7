/** The coordinator's own options, which a resumed run takes over from its config.json. The token is never among them. */

import path from 'node:path';
import type { Command } from 'commander';
import { readRegularFile } from '../../data/index.js';
import { COORDINATOR_OPTIONS, DOOR_OPTIONS, parseJsonValue } from '../../session/index.js';
import type { CoordinatorSettings, OptionValue } from '../../session/index.js';

const WORKERS = COORDINATOR_OPTIONS.filter(({ key }) => key === 'workers');
/** Files, which are to be found from any folder. */
const FILES: ReadonlySet<string> = new Set(['tlsCert', 'tlsKey']);
/** A flag that makes a remembered option wrong. */
const REPLACED_BY: ReadonlyMap<string, readonly string[]> = new Map([
  ['insecure', ['tlsCert', 'tlsKey']],
  ['tlsCert', ['insecure']],
  ['tlsKey', ['insecure']],
]);

/** Of a command that declares the coordinator's options. */
export function coordinatorSettingsOf(command: Command): CoordinatorSettings {
  const settings: Record<string, OptionValue> = {};
  for (const { key } of DOOR_OPTIONS) {
    const value = command.getOptionValue(key) as OptionValue | undefined;
    if (value === undefined) continue;
    settings[key] = FILES.has(key) ? path.resolve(value as string) : value;
  }
  return settings;
}

/**
 * What a coordinator left in a run's config.json; nothing if none has written there, or the file cannot be read, of which
 * resuming has its own to say.
 * @throws LockstepError E_OPTION for a value that no flag could have
 */
export async function readCoordinatorSettings(runDir: string): Promise<CoordinatorSettings> {
  const file = path.join(runDir, 'config.json');
  const saved = await readObject(file);
  if (!Object.hasOwn(saved, 'listen')) return {};
  const settings: Record<string, OptionValue> = {};
  for (const { key, kind, example } of [...DOOR_OPTIONS, ...WORKERS]) {
    const raw = Object.hasOwn(saved, key) ? saved[key] : null;
    if (raw !== null) settings[key] = parseJsonValue({ key, file }, raw, kind, example);
  }
  return settings;
}

/** Hands a resumed run's settings to the command as if they had been given; flags win. */
export function rememberCoordinatorSettings(command: Command, settings: CoordinatorSettings): void {
  const isGiven = (key: string): boolean => command.getOptionValueSource(key) === 'cli';
  for (const [key, value] of Object.entries(settings)) {
    if (isGiven(key) || REPLACED_BY.get(key)?.some(isGiven) === true) continue;
    command.setOptionValueWithSource(key, value, 'config');
  }
}

async function readObject(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const content: unknown = JSON.parse((await readRegularFile(file, () => undefined)).toString());
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
