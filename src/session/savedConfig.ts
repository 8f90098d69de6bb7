/** What the config.json of a run says when the run is resumed: checked like options, and compared with the checkpoint. */

import { isRecord } from '../foundation/isRecord.js';
import type { Recipe } from '../coordinator/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { OptionValue } from '../foundation/options/kind.js';
import { RUN_DEFINITIONS } from './options/definitions.js';
import type { Settings } from './sessionOptions.js';
import { parseJsonValue } from './options/values.js';

export interface SavedConfig {
  readonly settings: Partial<Settings>;
  /** What the user must know of the file. */
  readonly notices: readonly string[];
}

export interface ConfigSource {
  /** For messages. */
  readonly file: string;
  /** Its content, parsed; undefined if there is no such file. */
  readonly content: unknown;
  /** Of the checkpoint, which decides. */
  readonly recipe: Recipe;
  /** Keys given on the command line: what the file says of them is not looked at. */
  readonly given: ReadonlySet<string>;
}

/** What a run's config.json says besides its options. */
export const RUN_CONFIG_KEYS: ReadonlySet<string> = new Set(['versions', 'host', 'tokenSource', 'network']);
/** A difference in one of these means that the checkpoint was copied from another run. */
const IDENTITY = ['model', 'dataset', 'seed'] as const;

/**
 * @throws LockstepError E_CHECKPOINT if the file is no JSON object or of another run, E_OPTION for a value that the
 *   option would not take
 */
export function parseSavedConfig({ file, content, recipe, given }: ConfigSource): SavedConfig {
  if (content === undefined) {
    const message = `${file} is missing: settings that are not given again have their defaults`;
    return { settings: {}, notices: [message] };
  }
  if (!isRecord(content)) {
    throw new LockstepError(
      'E_CHECKPOINT',
      `${file} must hold one JSON object; put it back, or remove it: other settings can be given when the run is resumed`,
    );
  }
  const saved = Object.entries(content).filter(([key]) => !RUN_CONFIG_KEYS.has(key));
  refuseOtherRun(new Map(saved), recipe, file);
  const settings: Record<string, OptionValue> = {};
  const notices: string[] = [];
  for (const [key, raw] of saved) {
    const definition = RUN_DEFINITIONS.get(key);
    if (!definition)
      notices.push(`${file} holds ${JSON.stringify(key)}, which is no option here; it is ignored`);
    else if (definition.bits === 'recipe') notices.push(...editNotices(key, raw, { file, recipe, given }));
    else if (raw !== null && !given.has(key)) {
      settings[key] = parseJsonValue({ key, file }, raw, definition.kind, definition.example);
    }
  }
  return { settings, notices };
}

function refuseOtherRun(saved: ReadonlyMap<string, unknown>, recipe: Recipe, file: string): void {
  for (const key of IDENTITY) {
    const said = saved.get(key);
    if (said === undefined || said === recipe[key]) continue;
    throw new LockstepError(
      'E_CHECKPOINT',
      `the last checkpoint is of another run: its ${key} is ${recipe[key]}, and ${file} says ${JSON.stringify(said)}; put this run's own back`,
    );
  }
}

/** The recipe stands in the checkpoint: what the file says of it is for readers, and an edit has no effect. */
function editNotices(
  key: string,
  raw: unknown,
  { file, recipe, given }: Omit<ConfigSource, 'content'>,
): readonly string[] {
  const kept = recipe[key as keyof Recipe];
  if (given.has(key) || JSON.stringify(raw) === JSON.stringify(kept)) return [];
  return [
    `${file} says "${key}": ${JSON.stringify(raw)}, but the run began with ${JSON.stringify(kept)} and keeps it`,
  ];
}
