/** What a run is asked to do: the recipe, with its defaults, and the settings beside it; checks that they fit each other. */

import { recipeSchema } from '../coordinator/index.js';
import type { Recipe } from '../coordinator/index.js';
import type { EngineName, Numerics, Precision } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import { defaultMicroBatch, nearestMicroBatch, USUAL_MICRO_BATCH } from './options/microBatch.js';
import { TRAINING_OPTIONS } from './options/optionTable.js';
import { checkValue } from './options/values.js';

/** A recipe whose data set may still be `auto`. */
export type RequestedRecipe = Recipe;

/** What does the arithmetic. */
export interface EngineSettings {
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
  readonly device?: string | undefined;
  readonly tune: boolean;
  readonly precision: Precision;
}

export interface TrainingOptions extends EngineSettings {
  readonly recipe: RequestedRecipe;
  readonly dataDir: string;
  readonly workers: number;
  readonly checkpointEvery: number;
  /** Keys that the user gave, on the command line or in a config file. */
  readonly given: ReadonlySet<string>;
}

/** Recipe options as a program gives them; what is left out has its default. */
export type GivenRecipe = Partial<Omit<Recipe, 'dataset'>>;

/**
 * Checks what was asked for and adds defaults.
 * @throws LockstepError E_OPTION for an unknown key, a value out of bounds, or values that contradict each other
 */
export function requestRecipe(asked: Readonly<Record<string, unknown>>): RequestedRecipe {
  const recipe = withDefaults(asked);
  checkContradictions(recipe, new Set(Object.keys(asked)));
  return recipe;
}

/**
 * The same without a look at contradictions: for a resumed run, which has its own recipe beneath.
 * @throws LockstepError E_OPTION for an unknown key or a value out of bounds
 */
export function withDefaults(asked: Readonly<Record<string, unknown>>): RequestedRecipe {
  for (const [key, value] of Object.entries(asked)) checkRecipeValue(key, value);
  const values = Object.fromEntries(
    RECIPE_ENTRIES.map(({ key, default: byDefault }) => [key, asked[key] ?? byDefault ?? null]),
  ) as unknown as RequestedRecipe;
  return 'microBatch' in asked ? values : { ...values, microBatch: defaultMicroBatch(values.batchSize) };
}

const RECIPE_ENTRIES = TRAINING_OPTIONS.filter(({ recipe }) => recipe);

function checkRecipeValue(key: string, value: unknown): void {
  const entry = RECIPE_ENTRIES.find((each) => each.key === key);
  if (!entry) throw new LockstepError('E_OPTION', `"${key}" is not an option of a recipe; leave it out`);
  const mayBeNone = entry.default === undefined;
  if (value !== null || !mayBeNone) checkValue(key, value, entry.kind, entry.example);
}

/** The recipe with its data set decided, checked once more as a whole. */
export function settleRecipe(recipe: RequestedRecipe, dataset: Recipe['dataset']): Recipe {
  return recipeSchema.parse({ ...recipe, dataset });
}

/** What can be meant, and probably is not. */
export function recipeNotices(recipe: Recipe, given: ReadonlySet<string>): readonly string[] {
  const { schedule, milestones, epochs } = recipe;
  const beyond = milestones.filter((milestone) => milestone >= epochs);
  if (schedule !== 'multistep' || !given.has('milestones') || beyond.length === 0) return [];
  const which = beyond.length === 1 ? 'milestone is' : 'milestones are';
  return [
    `--milestones ${milestones.join(',')}: the ${which} never reached: ${beyond.join(', ')}, for there ` +
      `${epochs === 1 ? 'is 1 epoch' : `are ${epochs} epochs`}; the learning rate does not fall there`,
  ];
}

/** What was decided for the user otherwise than the help says. */
export function recipeRemarks(
  { batchSize, microBatch }: Recipe,
  given: ReadonlySet<string>,
): readonly string[] {
  if (given.has('microBatch') || microBatch === USUAL_MICRO_BATCH) return [];
  return [
    `--micro-batch ${microBatch}: the largest divisor of --batch-size ${batchSize} up to ${USUAL_MICRO_BATCH}`,
  ];
}

/** Combinations that cannot be meant. */
export function checkContradictions(recipe: RequestedRecipe, given: ReadonlySet<string>): void {
  const { batchSize, microBatch, schedule, warmupEpochs, epochs, valSize, momentum, nesterov } = recipe;
  const { augment, cropPadding } = recipe;
  if (batchSize % microBatch !== 0) {
    const below = Math.floor(batchSize / microBatch) * microBatch;
    const fitting = [below, below + microBatch].filter((size) => size > 0).join(' or ');
    const dividing = nearestMicroBatch(batchSize, microBatch);
    refuse(
      `--batch-size ${batchSize} must be a multiple of --micro-batch ${microBatch}; use --batch-size ${fitting}, or --micro-batch ${dividing}`,
    );
  }
  for (const key of ['milestones', 'gamma']) {
    if (given.has(key) && schedule !== 'multistep') {
      refuse(
        `--${key} belongs to --schedule multistep, and the schedule is ${schedule}; leave one of them out`,
      );
    }
  }
  if (warmupEpochs > 0 && schedule === 'onecycle') {
    refuse(
      `--warmup-epochs ${warmupEpochs} contradicts --schedule onecycle, which warms up by itself; leave it out`,
    );
  }
  if (warmupEpochs >= epochs) {
    refuse(
      `--warmup-epochs ${warmupEpochs} must be below --epochs ${epochs}; use --warmup-epochs ${epochs - 1}`,
    );
  }
  if (given.has('cropPadding') && !augment) {
    refuse(
      `--crop-padding ${cropPadding} contradicts --no-augment, which crops nothing; leave one of them out`,
    );
  }
  if (nesterov && momentum === 0) refuse('--nesterov needs a momentum above 0; use --momentum 0.9');
  if (valSize === 0 && given.has('patience') && recipe.patience > 0) {
    refuse(`--patience ${recipe.patience} needs validation samples, and --val-size is 0; use --patience 0`);
  }
}

function refuse(message: string): never {
  throw new LockstepError('E_OPTION', message);
}
