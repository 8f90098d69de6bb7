/** What a resumed run may change of its recipe: each option's definition says it. */

import { resumeRuleOf } from '../../foundation/options/definition.js';
import type { OptionDefinition } from '../../foundation/options/definition.js';
import { brokenRule, valueText } from '../../foundation/options/kind.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import { OptionError } from '../../foundation/options/optionError.js';
import { checkContradictions } from './contradictions.js';
import { checkRecipe } from './recipe.js';
import { RECIPE_OPTIONS } from './recipeOptions.js';
import type { Recipe, RequestedRecipe } from './recipeOptions.js';

type Values = Readonly<Record<string, OptionValue>>;

/**
 * @param asked what the user gave beside the run; equal values are no change, nor is a word such as `auto`
 * @param run as in "contradicts the run in runs/first"
 * @throws OptionError for a change that the run's weights so far would not fit
 */
export function changeRecipe(saved: Recipe, asked: Partial<RequestedRecipe>, run: string): Recipe {
  const before = saved as unknown as Values;
  const changes = Object.entries(asked as Values).filter(
    ([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value) && !isUndecided(key, value),
  );
  for (const change of changes) refuseUnlessChangeable(change, before, run);
  const changed = { ...saved, ...Object.fromEntries(changes) } as Recipe;
  checkRecipe(changed);
  checkContradictions(changed, new Set(changes.map(([key]) => key)));
  return changed;
}

/** `auto` is settled by the run. */
function isUndecided(key: string, value: OptionValue): boolean {
  const { kind, settledKind } = definitionOf(key);
  return kind.kind === 'choice' && brokenRule(value, settledKind) !== undefined;
}

function refuseUnlessChangeable(
  [key, value]: readonly [string, OptionValue],
  before: Values,
  run: string,
): void {
  const rule = resumeRuleOf(definitionOf(key));
  const reference = { option: key, value };
  const leaveOut = { kind: 'leave-out', option: key } as const;
  if (rule.kind !== 'changeable') {
    const had = typeof value === 'boolean' ? 'began without it' : `has ${valueText(before[key] ?? null)}`;
    throw new OptionError(
      [reference, ` contradicts ${run}, which ${had}`],
      [leaveOut, { kind: 'other', text: 'start a new run' }],
    );
  }
  const { unless } = rule;
  if (!unless?.is.includes(before[unless.option]!)) return;
  const fixed = `${valueText(before[unless.option]!)} ${unless.option}`;
  throw new OptionError(
    [reference, ` would change the ${fixed} of ${run}, which was made for ${valueText(before[key]!)}`],
    [leaveOut],
  );
}

function definitionOf(key: string): OptionDefinition {
  return (RECIPE_OPTIONS as Readonly<Record<string, OptionDefinition>>)[key]!;
}
