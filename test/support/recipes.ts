/** A small recipe: what tests rely on is said here, the rest has its default. */

import { settleRecipe, withDefaults } from '../../src/coordinator/index.js';
import type { Recipe } from '../../src/coordinator/index.js';

const SMALL = {
  valSize: 8,
  model: 'resnet8',
  epochs: 2,
  batchSize: 8,
  microBatch: 4,
  schedule: 'constant',
} as const;

export function recipe(change: Partial<Recipe> = {}): Recipe {
  return { ...settleRecipe(withDefaults(SMALL), 'synthetic'), ...change };
}
