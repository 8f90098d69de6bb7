/** Recipes by name. A run keeps the options that follow from the name, and never looks the name up again. */

import type { TextForm } from '../../foundation/options/kind.js';
import { didYouMean } from '../../foundation/suggest.js';
import { FAST94 } from './presets/fast94.js';
import { MODERN } from './presets/modern.js';
import { NOTEBOOK } from './presets/notebook.js';
import { PAPER } from './presets/paper.js';
import type { RecipePreset } from './presets/preset.js';
import type { RequestedRecipe } from './recipeOptions.js';

export type { RecipePreset } from './presets/preset.js';

const PRESETS = [PAPER, NOTEBOOK, MODERN, FAST94] as const;
export const RECIPE_PRESETS: readonly RecipePreset[] = PRESETS;

export type RecipePresetName = (typeof PRESETS)[number]['name'];

const NAMES = RECIPE_PRESETS.map(({ name }) => name);
const RULE = `one of ${NAMES.join(', ')}`;

export const RECIPE_PRESET_NAME: TextForm = {
  matches: (text) => NAMES.includes(text),
  rule: RULE,
  ruleFor: (text) => RULE + didYouMean(text, NAMES),
};

/**
 * What is asked for, and the preset's options for the rest.
 * @param name of a preset; undefined for none
 * @param asked a key that is undefined is not asked for
 */
export function withPreset(
  name: string | undefined,
  asked: Readonly<Record<string, unknown>>,
): Readonly<Partial<RequestedRecipe>> {
  const preset = RECIPE_PRESETS.find((each) => each.name === name);
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return { ...(preset && optionsBeside(preset.options, given)), ...given };
}

/** A preset's micro-batch belongs to its batch: one that does not divide another batch gives way to the default. */
function optionsBeside(
  options: RecipePreset['options'],
  { batchSize }: Readonly<Record<string, unknown>>,
): RecipePreset['options'] {
  const { microBatch, ...rest } = options;
  if (microBatch === undefined || typeof batchSize !== 'number' || batchSize % microBatch === 0)
    return options;
  return rest;
}
