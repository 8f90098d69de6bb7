/** What a model card tells of a run, besides its weights. */

import type { Recipe } from '../coordinator/index.js';

/** What is known of the run besides its weights. */
export interface ModelFacts {
  readonly recipe: Recipe;
  /** The name of the folder that held the data, where they are in one of the user's own and it is known. */
  readonly dataFolder: string | undefined;
  /** After which the weights were such. */
  readonly epoch: number;
  /** Of these weights, from 0 to 1. */
  readonly validationAccuracy: number | undefined;
  readonly test: TestFacts | undefined;
  /** Digests of the samples that the run used. */
  readonly samples: { readonly training: string; readonly validation: string } | undefined;
  /** Of the engines that computed it. */
  readonly numericsClasses: readonly string[];
}

export interface TestFacts {
  readonly accuracy: number;
  readonly samples: number | undefined;
  readonly tta: string;
}
