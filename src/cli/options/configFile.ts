/** The file that `--config` names: options by key, in camel case as in config.json or as the flags are written. */

import { isRecord } from '../../foundation/isRecord.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { oppositeOf, OPTIONS_BY_KEY } from './optionTable.js';
import type { OptionEntry } from './optionTable.js';
import { readTextFile } from './readTextFile.js';
import { closest } from '../../foundation/suggest.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import { parseJsonValue, RUN_CONFIG_KEYS } from '../../session/index.js';

export interface ConfigFile {
  readonly values: Readonly<Record<string, OptionValue>>;
  /** Whether it is the config.json of a run, or was made from one. */
  readonly isOfARun: boolean;
}

interface Expectation {
  /** The options of the command that reads the file. */
  readonly entries: readonly OptionEntry[];
  /** Keys that flags overrule: what the file says of them is not looked at. */
  readonly overruled: ReadonlySet<string>;
}

const SECRET = 'a secret does not belong in it; use LOCKSTEP_TOKEN, or --token-file of the coordinator';
const ABOUT_THIS_SESSION = 'give it on the command line';
/** Flags that no file may hold, with the remedy. */
const FLAGS_ONLY: ReadonlyMap<string, string> = new Map([
  ['token', SECRET],
  ['uiToken', 'a secret does not belong in it; use LOCKSTEP_UI_TOKEN'],
  ['ui', ABOUT_THIS_SESSION],
  ['tokenFile', SECRET],
  ['joinToken', 'a secret does not belong in it; use LOCKSTEP_JOIN_TOKEN'],
  ['joinTokenFile', ABOUT_THIS_SESSION],
  ['join', ABOUT_THIS_SESSION],
  ['qr', ABOUT_THIS_SESSION],
  ['resume', ABOUT_THIS_SESSION],
  ['config', ABOUT_THIS_SESSION],
]);

/**
 * In a run's own config.json null means "not given"; it serves `train` and `coordinator`, whichever made it.
 * @throws LockstepError E_OPTION for a file that cannot be read, or holds an unknown key or a malformed value
 */
export function readConfigFile(file: string, { entries, overruled }: Expectation): ConfigFile {
  const content = readObject(file);
  const isOfARun = 'versions' in content;
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  const values: Record<string, OptionValue> = {};
  for (const [name, raw] of Object.entries(content)) {
    if (isOfARun && RUN_CONFIG_KEYS.has(name)) continue;
    const written = name.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const negated = negatedEntry(written, entries);
    const key = negated?.key ?? written;
    const entry = negated ?? byKey.get(key);
    if (!entry) {
      if (isOfARun && OPTIONS_BY_KEY.has(key)) continue;
      throw refusalOf(name, key, { file, known: [...byKey.keys()] });
    }
    if (overruled.has(key) || (isOfARun && (raw === null || needsWorkers(entry, raw)))) continue;
    if (key in values) throw twice(key, file);
    // The file itself holds a network of the user's own. Its name is no preset.
    const isOwnNetwork = isOfARun && key === 'model' && 'network' in content;
    const value = isOwnNetwork ? file : parseJsonValue({ key: name, file }, raw, entry.kind, entry.example);
    values[key] = negated ? value !== true : value;
  }
  return { values, isOfARun };
}

function readObject(file: string): object {
  const text = readTextFile('--config', file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new LockstepError('E_OPTION', `--config ${file} must be JSON: ${describeError(error)}`);
  }
  if (!isRecord(content)) {
    throw new LockstepError(
      'E_OPTION',
      `--config ${file} must hold one JSON object, such as { "epochs": 20 }`,
    );
  }
  return content;
}

/** `no-augment`, written as the flag is, means the opposite of `augment`. */
function negatedEntry(written: string, entries: readonly OptionEntry[]): OptionEntry | undefined {
  return entries.find(
    (entry) =>
      [entry.flags, oppositeOf(entry)].some((flag) => flag?.startsWith('--no-')) &&
      written === `no${entry.key.charAt(0).toUpperCase()}${entry.key.slice(1)}`,
  );
}

function twice(key: string, file: string): LockstepError {
  return new LockstepError('E_OPTION', `--config ${file} says twice what "${key}" is; leave one of them out`);
}

/** What a file says of `json` holds for the messages about the file, too. */
export function configAsksForJson(file: string): boolean {
  try {
    const content = readObject(file);
    return 'json' in content && content.json === true;
  } catch {
    return false;
  }
}

/** What a file says of `runDir`, for what has to know it before the file is read as a whole, with its errors. */
export function runDirInConfig(file: string): string | undefined {
  try {
    const content = Object.entries(readObject(file)).filter(([key]) => RUN_DIR_NAMES.has(key));
    const [, value] = content[0] ?? [];
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** As in config.json, or as the flag is written. */
const RUN_DIR_NAMES: ReadonlySet<string> = new Set(['runDir', 'run-dir', '--run-dir']);

/** A coordinator's run may have had no threads of its own; `train` then has its default. */
function needsWorkers({ key, kind }: OptionEntry, raw: unknown): boolean {
  return key === 'workers' && raw === 0 && kind.kind === 'integer' && kind.min > 0;
}

function refusalOf(
  name: string,
  key: string,
  { file, known }: { readonly file: string; readonly known: readonly string[] },
): LockstepError {
  const remedy = FLAGS_ONLY.get(key);
  if (remedy !== undefined)
    return new LockstepError('E_OPTION', `--config ${file} must not hold "${name}": ${remedy}`);
  if (OPTIONS_BY_KEY.has(key)) {
    return new LockstepError(
      'E_OPTION',
      `--config ${file}: "${name}" is an option of another command; leave it out`,
    );
  }
  const near = closest(key, known);
  return new LockstepError(
    'E_OPTION',
    `--config ${file}: unknown key "${name}"${near ? `; did you mean "${near}"?` : ''}`,
  );
}
