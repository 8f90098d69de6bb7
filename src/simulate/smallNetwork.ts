/** The network, the images and the recipe that simulated nodes exchange messages of: as small as they can be. */

import { requestRecipe, settleRecipe, welcomeFor } from '../coordinator/index.js';
import type { Recipe } from '../coordinator/index.js';
import type { ImageSet, StepPlan } from '../data/index.js';
import { weightFormatOf, wireByteLength } from '../foundation/wire/format.js';
import type { WireFormat } from '../foundation/wire/format.js';
import { networkFrom } from '../model/index.js';
import { Broadcast } from '../protocol/index.js';
import type { Parameters, Welcome } from '../protocol/index.js';

export const SMALL_MODEL = networkFrom(
  {
    name: 'simulated',
    inputShape: { height: 1, width: 1, channels: 1 },
    classNames: ['one', 'other'],
    layers: [
      { kind: 'global-average-pool', name: 'pool', input: 'images' },
      { kind: 'dense', name: 'dense', input: 'pool', channels: 2 },
    ],
  },
  'of the simulation',
);

export const SMALL_SET: ImageSet = {
  name: 'simulated',
  imageShape: SMALL_MODEL.inputShape,
  classNames: SMALL_MODEL.classNames,
  sampleCount: 1,
  labelOf: () => 0,
  read: () => 0,
};

/** @param changes so many images a step as it says, whatever a recipe may have */
export function smallRecipe(changes: Pick<Recipe, 'batchSize' | 'microBatch' | 'wire'>): Recipe {
  return { ...settleRecipe(requestRecipe({}), 'synthetic'), ...changes };
}

export function smallWelcome(recipe: Recipe): Welcome {
  const normalisation = { mean: [0], standardDeviation: [1] };
  return welcomeFor({ runName: 'simulated', model: SMALL_MODEL, normalisation, recipe });
}

export function smallWeights(version: number, gradients: WireFormat): Broadcast<Parameters> {
  const wire = weightFormatOf(gradients);
  const { parameterCount, statisticCount } = SMALL_MODEL.layout;
  return new Broadcast({
    type: 'parameters',
    version,
    wire,
    parameters: new Uint8Array(wireByteLength(wire, parameterCount)),
    statistics: new Uint8Array(4 * statisticCount),
  });
}

/** The micro-batches of a step; the last may be smaller. */
export function stepPlan(stepInEpoch: number, batchSize: number, microBatch: number): StepPlan {
  const microBatches = Array.from({ length: Math.ceil(batchSize / microBatch) }, (_, index) => ({
    samples: new Uint32Array(Math.min(microBatch, batchSize - index * microBatch)),
  }));
  return { stepInEpoch, sampleCount: batchSize, microBatches };
}
