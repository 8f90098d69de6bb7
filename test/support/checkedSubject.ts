/** A small training that is in order, to plant faults in: real layers, drawn images. */

import type { Subject } from '../../src/check/index.js';
import { requestRecipe, settleRecipe } from '../../src/coordinator/index.js';
import type { RequestedRecipe } from '../../src/coordinator/index.js';
import {
  arrayImageSet,
  gatherSamples,
  measureNormalisation,
  splitTrainingSet,
  syntheticTrainingSet,
} from '../../src/data/index.js';
import type { ImageSet } from '../../src/data/index.js';
import { loadEngine } from '../../src/engine/index.js';
import { networkFrom } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';

export async function checkedSubject(
  asked: Partial<RequestedRecipe> = {},
  { set = drawnImages(), model = smallNetwork(set) }: { set?: ImageSet; model?: Model } = {},
): Promise<Subject> {
  const recipe = settleRecipe({ ...requestRecipe({ valSize: 1000, ...asked }), model: model.name }, set.name);
  const split = splitTrainingSet({
    sampleCount: set.sampleCount,
    validationSize: recipe.valSize,
    seed: recipe.seed,
    trainLimit: recipe.trainLimit ?? undefined,
  });
  const choice = { name: 'simd', numerics: 'simd' } as const;
  const engine = await loadEngine(choice, model);
  const { description } = engine;
  engine.dispose();
  return {
    model,
    recipe,
    data: { set, split, normalisation: measureNormalisation(set, split.training) },
    computing: {
      choice,
      threads: 2,
      description,
      load: (network) => loadEngine(choice, network),
      loadReference: (network) => loadEngine({ name: 'cpu' }, network),
    },
  };
}

const IMAGES = 3000;

/** Drawn once, and not each time that they are read. */
function drawnImages(): ImageSet {
  const set = syntheticTrainingSet();
  const samples = Uint32Array.from({ length: IMAGES }, (_, index) => index);
  return arrayImageSet('drawn', gatherSamples(set, samples), set);
}

/** Three convolutions, two of them on small maps. */
export function smallNetwork({ imageShape, classNames }: Pick<ImageSet, 'imageShape' | 'classNames'>): Model {
  const block = (name: string, channels: number): readonly object[] => [
    { kind: 'convolution', name: `${name}.conv`, channels, stride: 2 },
    { kind: 'batch-normalisation', name: `${name}.norm` },
    { kind: 'relu', name: `${name}.relu` },
  ];
  const layers = [
    ...block('one', 16),
    ...block('two', 32),
    ...block('three', 64),
    { kind: 'global-average-pool', name: 'pool' },
    { kind: 'dense', name: 'dense', channels: classNames.length },
  ];
  return networkFrom({ name: 'small', inputShape: imageShape, classNames, layers }, 'small');
}
