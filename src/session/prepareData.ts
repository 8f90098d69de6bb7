/** Opens a run's data and makes what training needs of them: the recipe as it is settled, the split, the normalisation. */

import {
  checkRecipeFitsImages,
  checkRecipeFitsSamples,
  largestCropPadding,
  settleRecipe,
} from '../coordinator/index.js';
import type { Recipe } from '../coordinator/index.js';
import { digestSamples, labelsOf, measureNormalisation, splitTrainingSet } from '../data/index.js';
import type { Normalisation, SampleDigests, TrainingSplit } from '../data/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Model } from '../model/index.js';
import { openDataset } from './openDataset.js';
import type { OpenedDataset } from './openDataset.js';
import type { RequestedNetwork } from './requestNetwork.js';
import type { ResumedRun } from './resume.js';
import { checkSameData } from './resumedData.js';
import type { SessionContext, SessionOptions, Settings } from './sessionOptions.js';
import type { TrainingOptions } from './trainingOptions.js';

export interface PreparedData {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly dataset: OpenedDataset;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
  readonly samples: SampleDigests;
}

interface Situation {
  readonly settings: Pick<Settings, 'dataDir' | 'test'>;
  readonly resumed: ResumedRun | undefined;
  /** The network for the data: what was asked for, or what the resumed run has. */
  readonly networkFor: RequestedNetwork['forData'];
  readonly context: Pick<SessionContext, 'log' | 'data' | 'signal' | 'proxyFor'>;
  /** Left out: a channel of one value is refused. */
  readonly measure?: typeof measureNormalisation;
}

/** @param options of which only the training is read */
export async function prepareData(
  options: Pick<SessionOptions, 'training'>,
  situation: Situation,
): Promise<PreparedData> {
  const { resumed, networkFor, context, measure = measureNormalisation } = situation;
  const dataset = context.data ? givenData(context.data, situation) : await namedData(options, situation);
  const model = networkFor(dataset.name, dataset.training);
  const recipe = resumed?.recipe ?? newRecipe(options.training, dataset, model);
  const split = splitTrainingSet({
    sampleCount: dataset.training.sampleCount,
    validationSize: recipe.valSize,
    seed: recipe.seed,
    trainLimit: recipe.trainLimit ?? undefined,
    stratifiedLabels: recipe.stratify ? labelsOf(dataset.training) : undefined,
  });
  checkRecipeFitsSamples(recipe, split.training.length);
  const normalisation = measure(dataset.training, split.training);
  const samples = digestSamples(dataset.training, split);
  if (resumed) {
    const notices = checkSameData(resumed.checkpoint, { normalisation, samples });
    notices.forEach((message) => context.log.notice(message));
  }
  return { recipe, model, dataset, split, normalisation, samples };
}

/** A network of one's own gives the run its name; small images allow less padding than is usual. */
function newRecipe({ recipe, given }: TrainingOptions, dataset: OpenedDataset, model: Model): Recipe {
  const { imageShape } = dataset.training;
  const cropPadding = given.has('cropPadding')
    ? recipe.cropPadding
    : Math.min(recipe.cropPadding, largestCropPadding(imageShape));
  const settled = settleRecipe({ ...recipe, model: model.name, cropPadding }, dataset.name);
  checkRecipeFitsImages(settled, dataset.training);
  return settled;
}

/** @throws LockstepError E_OPTION if a resumed run began with other data, or the test set is asked for and missing */
function givenData(data: OpenedDataset, { settings, resumed }: Situation): OpenedDataset {
  if (resumed && resumed.recipe.dataset !== data.name) {
    throw new LockstepError(
      'E_OPTION',
      `the data are called ${data.name}, but the run to be resumed began with ${resumed.recipe.dataset}; give it the same data`,
    );
  }
  if (settings.test && !data.openTest) {
    throw new LockstepError(
      'E_OPTION',
      `the data ${data.name} have no test set, and the run is to be tested; add one, or leave the test out`,
    );
  }
  return data;
}

function namedData(
  { training }: Pick<SessionOptions, 'training'>,
  { settings: { dataDir, test }, resumed, context }: Situation,
): Promise<OpenedDataset> {
  const { log, signal, proxyFor } = context;
  return openDataset({
    requested: resumed?.recipe.dataset ?? training.recipe.dataset,
    dataDir,
    dataDirSource: training.environment?.get('dataDir'),
    isNewRun: resumed === undefined,
    test,
    signal,
    proxyFor,
    onProgress: log.onDownload,
    onNotice: (message) => log.notice(message),
  });
}
