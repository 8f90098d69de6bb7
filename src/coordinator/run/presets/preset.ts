/** What a file of this folder holds: a recipe that has been published, or tried, under a name. */

import type { RequestedRecipe } from '../recipeOptions.js';

export interface RecipePreset {
  readonly name: string;
  /** One line, for the help. */
  readonly summary: string;
  /** Paragraphs for docs/recipes.md: where it comes from, what it reaches, where Lockstep differs. */
  readonly about: readonly string[];
  /** Also those that are defaults today: a preset stays what it is if a default changes. */
  readonly options: Readonly<Partial<RequestedRecipe>>;
}
