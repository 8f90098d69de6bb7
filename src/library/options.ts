/** From what a program gives to the options of a session: defaults, checks, and which of them were given. */

import { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import type { OptionDefinition } from '../foundation/options/definition.js';
import { brokenRule } from '../foundation/options/kind.js';
import type { OptionValue } from '../foundation/options/kind.js';
import { leaveOut, OptionError } from '../foundation/options/optionError.js';
import { RECIPE_PRESET_NAME, requestChanges, requestRecipe } from '../coordinator/index.js';
import type { Recipe, RecipePresetName, RunEvent } from '../coordinator/index.js';
import { ENGINE_SETTINGS, RUN_SETTINGS, shownValue } from '../session/index.js';
import type { TrainingOptions } from '../session/index.js';
import type { DownloadProgress, Reading } from '../data/index.js';
import { folderOf } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { networkSource } from './network.js';
import type { OwnNetwork } from './network.js';
import { givenKeys, namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';

/**
 * What computes, and how. What has no description here has one among [the options](../../docs/library-options.md).
 */
export interface EngineOptions extends GivenSettings<typeof ENGINE_SETTINGS> {
  /** A folder for measurements of which GPU kernels are fastest. Left out: nothing is measured. */
  readonly cacheDir?: string | undefined;
}

/**
 * Recipe options as a program gives them; what is left out has its default. What has no description here has one among
 * [the options](../../docs/library-options.md).
 */
export type GivenRecipe = Partial<Omit<Recipe, 'dataset' | 'model' | keyof Reading>> & {
  /** A known recipe to begin with; what stands beside it wins. See docs/recipes.md. */
  readonly preset?: RecipePresetName | undefined;
  /** A preset's name, such as `resnet20`, or layers of your own. */
  readonly model?: string | OwnNetwork | undefined;
};

/** Of the settings that a run keeps, those that every run of a program may be given. */
export const KEPT_SETTINGS = {
  checkpointEvery: RUN_SETTINGS.checkpointEvery,
  tensorboard: RUN_SETTINGS.tensorboard,
};

/**
 * What `train` and `coordinate` have in common. What has no description here has one among
 * [the options](../../docs/library-options.md).
 */
export interface RunOptions extends EngineOptions, GivenSettings<typeof KEPT_SETTINGS> {
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
  /** Aborted to save and stop; the run can be resumed. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Told of everything that happens, one event after another; the next waits until a returned promise settles. Training does
   * not wait. A callback that throws, or takes a tenth of the time, is told nothing more, and a notice says so. What it throws
   * is an uncaught exception of the program, too.
   */
  readonly onEvent?: ((event: RunEvent) => void | Promise<void>) | undefined;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
}

/**
 * @param own `workers`, which the functions of the library bound differently
 * @throws LockstepError E_OPTION
 */
export function trainingOptionsOf(
  options: RunOptions,
  own: { readonly workers: OptionDefinition<number, number> },
): TrainingOptions {
  const { model, preset, ...values } = recipeOf(options);
  checkPreset(preset, options.resume);
  const requested = options.resume === undefined ? requestRecipe(values, preset) : requestChanges(values);
  // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- null is no network, and is refused
  const { network, name } = networkSource(model === undefined ? requested.model : model);
  const recipe = { ...requested, model: name };
  const { dataDir: _, ...settings } = { ...RUN_SETTINGS, ...own };
  const dataDir = folderOf(options.data);
  return {
    ...readSettings(settings, options),
    recipe,
    network,
    dataDir: dataDir ?? String(RUN_SETTINGS.dataDir.default), // in a resumed run without data, the one that it keeps
    given: new Set([
      ...Object.keys(values),
      ...(model === undefined ? [] : ['model']),
      ...(dataDir === undefined ? [] : ['dataDir']),
      ...givenKeys(settings, options),
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
      [leaveOut('preset')],
    );
  }
  const rule = brokenRule(preset, { kind: 'text', form: RECIPE_PRESET_NAME });
  if (rule !== undefined) throw new OptionError([reference, ` must be ${rule}`], []);
}

/** @throws LockstepError E_OPTION */
function recipeOf({ recipe = {} }: RunOptions): GivenRecipe {
  if (!isRecord(recipe)) {
    throw new LockstepError(
      'E_OPTION',
      'recipe must be an object, such as { model: "resnet20", epochs: 30 }',
    );
  }
  if ('dataset' in recipe && recipe.dataset !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `recipe.dataset ${shownValue(recipe.dataset)} is not an option here: the data say what they are; leave it out, and give data, such as data: await loadCifar10(folder)`,
    );
  }
  return definedOf(recipe);
}

export const ENGINE_KEYS: readonly string[] = [...namesOf(ENGINE_SETTINGS), 'cacheDir'];
export const RUN_KEYS: readonly string[] = [
  ...ENGINE_KEYS,
  ...namesOf(KEPT_SETTINGS),
  ...['recipe', 'data', 'runDir', 'resume', 'test', 'workers'],
  ...['signal', 'onEvent', 'onDownload'],
];

function definedOf(values: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
