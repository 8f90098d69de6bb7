/** From what a program gives to the options of a session: defaults, checks, and which of them were given. */

import type { EngineName, Numerics, Precision } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import type { OptionDefinition } from '../foundation/options/definition.js';
import { brokenRule } from '../foundation/options/kind.js';
import type { OptionValue } from '../foundation/options/kind.js';
import { OptionError } from '../foundation/options/optionError.js';
import { RECIPE_PRESET_NAME, requestChanges, requestRecipe } from '../coordinator/index.js';
import type { Recipe, RecipePresetName, RunEvent } from '../coordinator/index.js';
import { checkValue, RUN_DEFINITIONS, RUN_SETTINGS } from '../session/index.js';
import type { EngineSettings, TrainingOptions } from '../session/index.js';
import type { DownloadProgress } from '../data/index.js';
import { folderOf } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { networkSource } from './network.js';
import type { OwnNetwork } from './network.js';

/** What computes, and how. */
export interface EngineOptions {
  /** What does the arithmetic; `auto`, the default: a GPU if there is one, else `simd`. */
  readonly engine?: EngineName | 'auto' | undefined;
  /** `simd`: compute without fused multiply-add, to match hosts that have none. */
  readonly numerics?: Numerics | undefined;
  /** The GPU for engine `webgpu`: index or name. */
  readonly device?: string | undefined;
  /** Operands of convolutions in engine `webgpu`. */
  readonly precision?: Precision | undefined;
  /** A folder for measurements of which GPU kernels are fastest. Left out: nothing is measured. */
  readonly cacheDir?: string | undefined;
}

/** Recipe options as a program gives them; what is left out has its default. */
export type GivenRecipe = Partial<Omit<Recipe, 'dataset' | 'model'>> & {
  /** A known recipe to begin with; what stands beside it wins. See docs/recipes.md. */
  readonly preset?: RecipePresetName | undefined;
  /** A preset's name, such as `resnet20`, or layers of your own. */
  readonly model?: string | OwnNetwork | undefined;
};

/** What `train` and `coordinate` have in common. */
export interface RunOptions extends EngineOptions {
  /** What decides the weights; what is left out has the default of the command line. */
  readonly recipe?: GivenRecipe | undefined;
  /** What to train on. A resumed run on CIFAR-10 or synthetic images finds its data by itself. */
  readonly data?: DataSource | OwnData | undefined;
  /** Folder of the run, new or empty; left out: `runs/<time>-<model>-seed<seed>` in the current folder. */
  readonly runDir?: string | undefined;
  /** Continue the run in this folder, with its own recipe; of `recipe`, only what says where it ends may be given. */
  readonly resume?: string | undefined;
  /** Evaluate the test set once, with the final weights. */
  readonly test?: boolean | undefined;
  /** Worker threads of this process: 1 to 1024; 0, too, in `coordinate`. */
  readonly workers?: number | undefined;
  /** Steps between checkpoints; one is also written after each epoch. */
  readonly checkpointEvery?: number | undefined;
  /** Aborted to save and stop; the run can be resumed. */
  readonly signal?: AbortSignal | undefined;
  /** Told of everything that happens. What it throws is an uncaught exception of the program, and does not stop the run. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
}

/** Beside the recipe: options that the command line has under the same name. */
const SETTINGS = ['engine', 'numerics', 'device', 'precision', 'workers', 'checkpointEvery'] as const;

/**
 * @param own the options that the functions of the library bound differently
 * @throws LockstepError E_OPTION
 */
export function trainingOptionsOf(
  options: RunOptions,
  own: { readonly workers: OptionDefinition<number, number> },
): TrainingOptions {
  const { model, preset, ...values } = definedOf(options.recipe ?? {});
  checkPreset(preset, options.resume);
  const requested = options.resume === undefined ? requestRecipe(values, preset) : requestChanges(values);
  const { network, name } = networkSource(model ?? requested.model);
  const recipe = { ...requested, model: name };
  const dataDir = folderOf(options.data);
  const settings = definedOf(Object.fromEntries(SETTINGS.map((key) => [key, options[key]])));
  for (const [key, value] of Object.entries(settings)) {
    checkSetting(key, value, key === 'workers' ? own.workers : RUN_DEFINITIONS.get(key));
  }
  return {
    recipe,
    network,
    dataDir: dataDir ?? (RUN_SETTINGS.dataDir.default as string), // in a resumed run without data, the one that it keeps
    ...engineSettingsOf(options),
    workers: options.workers ?? Number(own.workers.default),
    checkpointEvery: options.checkpointEvery ?? (RUN_SETTINGS.checkpointEvery.default as number),
    given: new Set([
      ...Object.keys(values),
      ...(model === undefined ? [] : ['model']),
      ...(dataDir === undefined ? [] : ['dataDir']),
      ...Object.keys(settings),
    ]),
  };
}

/** @throws OptionError for a name that is none, or a name beside a run that has its recipe */
function checkPreset(preset: unknown, resume: string | undefined): asserts preset is string | undefined {
  if (preset === undefined) return;
  const reference = { option: 'preset', value: preset as OptionValue };
  if (resume !== undefined) {
    throw new OptionError(
      [reference, ` contradicts resume ${resume}, which has its own recipe`],
      [{ kind: 'leave-out', option: 'preset' }],
    );
  }
  const rule = brokenRule(preset, { kind: 'text', form: RECIPE_PRESET_NAME });
  if (rule !== undefined) throw new OptionError([reference, ` must be ${rule}`], []);
}

/** @throws LockstepError E_OPTION */
export function engineSettingsOf(options: EngineOptions): EngineSettings {
  const { engine = 'auto', numerics = 'auto', device, precision = 'f32' } = options;
  const settings = { engine, numerics, device, precision };
  for (const [key, value] of Object.entries(definedOf(settings))) checkSetting(key, value);
  return { ...settings, tune: true };
}

/**
 * @param definition where the option has another name on the command line, or bounds that differ between commands
 * @throws LockstepError E_OPTION for a value that the command line would refuse, too
 */
export function checkSetting(key: string, value: unknown, definition = RUN_DEFINITIONS.get(key)): void {
  if (definition) checkValue(key, value, definition.kind, definition.example);
}

/** What the compiler does not see in a program without types. @throws LockstepError E_OPTION */
export function refuseUnknown(options: unknown, known: readonly string[]): void {
  if (!isRecord(options)) {
    throw new LockstepError('E_OPTION', `the options must be one object, with ${known.join(', ')}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new LockstepError('E_OPTION', `"${unknown}" is not an option here; it takes ${known.join(', ')}`);
  }
  for (const [key, value] of Object.entries(options)) refuseWrongType(key, value);
}

function refuseWrongType(key: string, value: unknown): void {
  if (value === undefined) return;
  if (key === 'signal' && !(value instanceof AbortSignal)) {
    throw new LockstepError(
      'E_OPTION',
      'signal must be an AbortSignal; for example new AbortController().signal',
    );
  }
  if (/^on[A-Z]/.test(key) && typeof value !== 'function') {
    throw new LockstepError('E_OPTION', `${key} must be a function; leave it out, or give one`);
  }
}

export const ENGINE_KEYS = ['engine', 'numerics', 'device', 'precision', 'cacheDir'] as const;
export const RUN_KEYS = [
  ...ENGINE_KEYS,
  ...['recipe', 'data', 'runDir', 'resume', 'test', 'workers', 'checkpointEvery'],
  ...['signal', 'onEvent', 'onDownload'],
] as const;

function definedOf(values: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
