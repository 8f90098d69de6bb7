/**
 * What a training run is asked to do. Two runs with equal recipes, on workers of one exact numerics class, end in the
 * same bits. The options themselves are defined in recipeOptions.ts.
 */

import { z } from 'zod';
import type { OptionDefinition } from '../../foundation/options/definition.js';
import { brokenRule } from '../../foundation/options/kind.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import { OptionError } from '../../foundation/options/optionError.js';
import { checkContradictions } from './contradictions.js';
import { RECIPE_OPTIONS } from './recipeOptions.js';
import type { Recipe, RequestedRecipe } from './recipeOptions.js';
import { withPreset } from './recipePresets.js';

export type { Recipe, RequestedRecipe } from './recipeOptions.js';

/** Samples evaluated in one item: fixed, because rounding may differ between batch sizes. */
export const EVALUATION_CHUNK = 100;

const DEFINITIONS: Readonly<Record<string, OptionDefinition>> = RECIPE_OPTIONS;

/** A recipe in a file: each value is held to the rule that its option has. */
export const recipeSchema = z.strictObject(
  Object.fromEntries(Object.entries(DEFINITIONS).map(([key, definition]) => [key, fieldOf(definition)])),
) as unknown as z.ZodType<Recipe>;

function fieldOf({ settledKind, inOlderFiles }: OptionDefinition): z.ZodType {
  const field = z.custom((value) => brokenRule(value, settledKind) === undefined);
  return inOlderFiles === undefined ? field : field.default(inOlderFiles);
}

/**
 * Adds a preset's options and defaults to what was asked for.
 * @param preset its name
 * @throws OptionError for an unknown key, a value out of bounds, or values that contradict each other
 */
export function requestRecipe(asked: Partial<RequestedRecipe>, preset?: string): RequestedRecipe {
  const recipe = requestChanges(withPreset(preset, asked));
  const given = Object.entries<unknown>(asked).filter(([, value]) => value !== undefined);
  checkContradictions(recipe, new Set(given.map(([key]) => key)));
  return recipe;
}

/**
 * The same beside a resumed run: values contradict its recipe, if anything, and not the defaults.
 * @throws OptionError for an unknown key or a value out of bounds
 */
export function requestChanges(asked: Partial<RequestedRecipe>): RequestedRecipe {
  const given = Object.entries<unknown>(asked).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) checkValue(key, value, 'kind');
  return withDefaults(Object.fromEntries(given));
}

/** Adds defaults and checks nothing. */
export function withDefaults(asked: Readonly<Record<string, unknown>>): RequestedRecipe {
  const values: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries(DEFINITIONS)) values[key] = asked[key] ?? definition.default;
  // In a second pass: they follow from the others.
  for (const [key, { defaultFrom }] of Object.entries(DEFINITIONS)) {
    if (asked[key] === undefined && defaultFrom) values[key] = defaultFrom(values);
  }
  return values as unknown as RequestedRecipe;
}

/** The recipe with its data set decided, each value checked once more. */
export function settleRecipe(requested: RequestedRecipe, dataset: Recipe['dataset']): Recipe {
  const recipe: Recipe = { ...requested, dataset };
  checkRecipe(recipe);
  return recipe;
}

/** @throws OptionError for the first value out of bounds */
export function checkRecipe(recipe: Recipe): void {
  for (const [key, value] of Object.entries(recipe)) checkValue(key, value, 'settledKind');
}

function checkValue(key: string, value: unknown, which: 'kind' | 'settledKind'): void {
  const definition = Object.hasOwn(DEFINITIONS, key) ? DEFINITIONS[key] : undefined;
  if (!definition) {
    throw new OptionError([`"${key}" is not an option of a recipe`], [{ kind: 'leave-out', option: key }]);
  }
  const rule = brokenRule(value, definition[which]);
  if (rule === undefined) return;
  const example = { kind: 'other', text: `for example ${key} ${definition.example}` } as const;
  throw new OptionError([{ option: key, value: value as OptionValue }, ` must be ${rule}`], [example]);
}
