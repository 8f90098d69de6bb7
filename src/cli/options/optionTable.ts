/**
 * Which commands have which options. The options are defined in session/options/settings.ts and, those of the recipe, in
 * coordinator/run/recipeOptions.ts.
 */

import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import type { OptionDefinition, OptionDefinitions } from '../../foundation/options/definition.js';
import { flagName } from '../../foundation/commandLine.js';
import {
  COORDINATOR_WORKERS,
  DOOR_SETTINGS,
  ENGINE_SETTINGS,
  GPUS_SETTINGS,
  LAUNCH_WORKERS,
  RUN_SETTINGS,
  SESSION_SETTINGS,
  TRAIN_WORKERS,
  WORKER_SETTINGS,
} from '../../session/index.js';

/** A definition with its names. */
export interface OptionEntry extends OptionDefinition {
  /** Name in config files and config.json: the flag in camel case. */
  readonly key: string;
  /** `--flag <value>`, as commander takes it; perhaps with a letter before it. */
  readonly flags: string;
}

export function entriesOf(definitions: OptionDefinitions): readonly OptionEntry[] {
  return Object.entries(definitions).map(([key, definition]) => ({
    ...definition,
    key,
    flags: flagsOf(key, definition),
  }));
}

function flagsOf(key: string, { kind, default: byDefault, placeholder }: OptionDefinition): string {
  if (kind.kind !== 'switch') return `${flagName(key)} <${placeholder}>`;
  return flagName(byDefault === true ? `no-${key}` : key);
}

/**
 * The flag that takes a switch of the recipe back, which a known recipe may have set: `--no-nesterov` beside `--nesterov`.
 * Undefined for other options, which nothing but their flag and a file can set.
 */
export function oppositeOf({ kind, bits, flags }: OptionEntry): string | undefined {
  if (kind.kind !== 'switch' || bits !== 'recipe') return undefined;
  return flags.startsWith('--no-') ? flags.replace('--no-', '--') : flags.replace('--', '--no-');
}

export const ENGINE_OPTIONS = entriesOf(ENGINE_SETTINGS);
export const DOOR_OPTIONS = entriesOf(DOOR_SETTINGS);

const TRAINING_OPTIONS = [...entriesOf(RECIPE_OPTIONS), ...entriesOf(RUN_SETTINGS)];

export const TRAIN_OPTIONS: readonly OptionEntry[] = [
  ...TRAINING_OPTIONS,
  ...entriesOf(TRAIN_WORKERS),
  ...entriesOf(GPUS_SETTINGS),
  ...entriesOf(SESSION_SETTINGS),
];
export const COORDINATOR_OPTIONS: readonly OptionEntry[] = [
  ...TRAINING_OPTIONS,
  ...entriesOf(COORDINATOR_WORKERS),
  ...entriesOf(SESSION_SETTINGS),
  ...DOOR_OPTIONS,
];

/** `launch` works out itself where to listen. */
const DECIDED_BY_LAUNCH: ReadonlySet<string> = new Set(['listen', 'advertise', 'insecure']);

/** Of a job, all of whose processes find the same folder. */
const RUN_DIR_OF_JOB = {
  runDir: {
    ...SESSION_SETTINGS.runDir,
    help: 'folder of this run, new or empty (default: runs/<launcher>-<job id>, such as runs/slurm-4711)',
  },
};

export const LAUNCH_OPTIONS: readonly OptionEntry[] = [
  ...TRAINING_OPTIONS,
  ...entriesOf(LAUNCH_WORKERS),
  ...entriesOf({ ...SESSION_SETTINGS, ...RUN_DIR_OF_JOB }),
  ...DOOR_OPTIONS.filter(({ key }) => !DECIDED_BY_LAUNCH.has(key)),
  ...entriesOf({ retryFor: WORKER_SETTINGS.retryFor }),
];

/** By key; of an option that two commands bound differently, the wider one. */
export const OPTIONS_BY_KEY: ReadonlyMap<string, OptionEntry> = new Map(
  [...TRAIN_OPTIONS, ...COORDINATOR_OPTIONS].map((entry) => [entry.key, entry]),
);

/** The flag alone: `--lr` of `--lr <rate>`. */
export function flagOf({ flags }: OptionEntry): string {
  return /--\S+/.exec(flags)![0];
}

/** The same with a letter besides: `-o, --output <dir>`. */
export function withLetter(letter: string, entry: OptionEntry): OptionEntry {
  return { ...entry, flags: `-${letter}, ${entry.flags}` };
}
