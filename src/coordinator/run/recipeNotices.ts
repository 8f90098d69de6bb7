/** What a user should know of a recipe that is in order. */

import { USUAL_MICRO_BATCH } from './microBatch.js';
import type { Recipe } from './recipeOptions.js';

/** Choices that are allowed and probably a mistake. */
export function recipeNotices(recipe: Recipe, given: ReadonlySet<string>): readonly string[] {
  const { schedule, milestones, epochs } = recipe;
  const beyond = milestones.filter((milestone) => milestone >= epochs);
  if (schedule !== 'multistep' || !given.has('milestones') || beyond.length === 0) return [];
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
  if (given.has('microBatch') || microBatch === USUAL_MICRO_BATCH) return [];
  return [
    `micro-batches of ${microBatch}: the largest divisor of the batch size ${batchSize} up to ${USUAL_MICRO_BATCH}`,
  ];
}
