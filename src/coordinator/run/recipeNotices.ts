/** What a user should know of a recipe that is in order. */

import { defaultMicroBatch, USUAL_MICRO_BATCH } from './microBatch.js';
import { RECIPE_OPTIONS } from './recipeOptions.js';
import type { Recipe } from './recipeOptions.js';

/** Choices that are allowed and probably a mistake. */
export function recipeNotices(recipe: Recipe, given: ReadonlySet<string>): readonly string[] {
  const { schedule, milestones, epochs } = recipe;
  const beyond = milestones.filter((milestone) => milestone >= epochs);
  const isChosen =
    given.has('milestones') || String(milestones) !== String(RECIPE_OPTIONS.milestones.default);
  if (schedule !== 'multistep' || !isChosen || beyond.length === 0) return [];
  const subject = beyond.length === 1 ? 'the milestone' : 'the milestones';
  return [
    `${subject} ${beyond.join(', ')} will never be reached: the run has ${epochs === 1 ? '1 epoch' : `${epochs} epochs`}`,
  ];
}

/** Defaults that differ from those in the help. */
export function recipeRemarks(
  { batchSize, microBatch }: Recipe,
  given: ReadonlySet<string>,
): readonly string[] {
  // A preset may choose one, too.
  const isDefault = !given.has('microBatch') && microBatch === defaultMicroBatch(batchSize);
  if (!isDefault || microBatch === USUAL_MICRO_BATCH) return [];
  return [
    `micro-batches of ${microBatch}: the largest divisor of the batch size ${batchSize} up to ${USUAL_MICRO_BATCH}`,
  ];
}
