/** The first message to a node: what it must know about the run. */

import type { Normalisation } from '../../data/index.js';
import { networkText } from '../../model/index.js';
import type { Model } from '../../model/index.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import type { Welcome } from '../../protocol/index.js';
import type { Recipe } from '../run/recipe.js';

export interface WelcomeOptions {
  readonly runName: string;
  /** Of a training. */
  readonly length?: Welcome['length'];
  readonly model: Model;
  readonly normalisation: Normalisation;
  readonly recipe: Pick<
    Recipe,
    | 'cropPadding'
    | 'border'
    | 'cutout'
    | 'colourJitter'
    | 'mixup'
    | 'labelSmoothing'
    | 'evalStatistics'
    | 'tta'
    | 'wire'
  >;
}

const LONGEST_NAME = 200;

export function welcomeFor({ runName, length, model, normalisation, recipe }: WelcomeOptions): Welcome {
  return {
    type: 'welcome',
    runName: runName.slice(0, LONGEST_NAME),
    lockstepVersion: LOCKSTEP_VERSION,
    ...(length && { length }),
    network: networkText(model),
    mean: [...normalisation.mean],
    standardDeviation: [...normalisation.standardDeviation],
    cropPadding: recipe.cropPadding,
    border: recipe.border,
    cutout: recipe.cutout,
    colourJitter: recipe.colourJitter,
    mixup: recipe.mixup,
    labelSmoothing: recipe.labelSmoothing,
    evaluationStatistics: recipe.evalStatistics,
    evaluationViews: recipe.tta,
    wire: recipe.wire,
  };
}
