/** Opens a run's data and makes what training needs of them: the recipe as it is settled, the split, the normalisation. */

import {
  checkRecipeFitsImages,
  checkRecipeFitsSamples,
  largestCropPadding,
  NONE,
  settleRecipe,
} from '../coordinator/index.js';
import type { InitialTensors, Recipe } from '../coordinator/index.js';
import { digestSamples, measureNormalisation, stepsPerEpoch } from '../data/index.js';
import type { Normalisation, SampleDigests, TrainingSplit } from '../data/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Model } from '../model/index.js';
import { splitOf, tellOfClasses, validationSize } from './dataParts.js';
import { freezeLayers } from './frozenLayers.js';
import { fitWeights, readInitialWeights } from './initialWeights.js';
import { openDataset } from './openDataset.js';
import type { OpenedDataset } from './openDataset.js';
import type { RequestedNetwork } from './requestNetwork.js';
import type { ResumedRun } from './resume.js';
import { checkSameData } from './resumedData.js';
import { checkResumedEpochs } from './resumedEpochs.js';
import type { SessionContext, SessionOptions, Settings } from './sessionOptions.js';
import type { TrainingOptions } from './trainingOptions.js';

export interface PreparedData {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly dataset: OpenedDataset;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
  readonly samples: SampleDigests;
  /** What does not start from the seed; undefined: everything does, or the run is resumed. */
  readonly initial: InitialTensors | undefined;
}

interface Situation {
  readonly settings: Pick<Settings, 'dataDir' | 'test'>;
  readonly resumed: ResumedRun | undefined;
  /** The network for the data: what was asked for, or what the resumed run has. */
  readonly networkFor: RequestedNetwork['forData'];
  readonly context: Pick<SessionContext, 'log' | 'data' | 'signal' | 'proxyFor' | 'cacheFolder'>;
  /** Left out: a channel of one value is refused. */
  readonly measure?: typeof measureNormalisation;
}

/** @param options of which only the training is read */
export async function prepareData(
  options: Pick<SessionOptions, 'training'>,
  situation: Situation,
): Promise<PreparedData> {
  const { resumed, networkFor, context, measure = measureNormalisation } = situation;
  const { init, freeze } = options.training.recipe;
  // Before the data, which may take a download.
  const weights = resumed || init === NONE ? undefined : await readInitialWeights(init);
  const dataset = context.data ? givenData(context.data, situation) : await namedData(options, situation);
  const network = networkFor(dataset.name, dataset.training);
  const model = resumed ? network : freezeLayers(network, freeze);
  const fitted = weights && fitWeights(weights, model);
  if (fitted?.remade !== undefined) {
    context.log.notice(`layer ${fitted.remade} starts anew: the weights of ${init} are for other classes`);
  }
  const recipe =
    resumed?.recipe ?? newRecipe(options.training, { dataset, model, init: weights?.digest ?? NONE });
  const split = splitOf(recipe, dataset);
  checkRecipeFitsSamples(recipe, split.training.length);
  const normalisation = measure(dataset.training, split.training);
  const samples = digestSamples(dataset.training, split);
  if (!resumed) tellOfClasses(dataset, (message) => context.log.notice(message));
  if (resumed) {
    const notices = checkSameData(resumed.checkpoint, { normalisation, samples });
    notices.forEach((message) => context.log.notice(message));
    checkResumedEpochs(resumed, stepsPerEpoch(split.training.length, recipe.batchSize, recipe.dropLast));
  }
  return { recipe, model, dataset, split, normalisation, samples, initial: fitted?.tensors };
}

/** A network of one's own gives the run its name; small images allow less padding than is usual. */
function newRecipe(
  { recipe, given }: TrainingOptions,
  { dataset, model, init }: Pick<PreparedData, 'dataset' | 'model'> & Pick<Recipe, 'init'>,
): Recipe {
  const { imageShape } = dataset.training;
  const cropPadding = given.has('cropPadding')
    ? recipe.cropPadding
    : Math.min(recipe.cropPadding, largestCropPadding(imageShape));
  const valSize = validationSize({ recipe, given }, dataset);
  const { reading } = dataset;
  const settled = settleRecipe(
    { ...recipe, ...reading, model: model.name, init, cropPadding, valSize },
    dataset.name,
  );
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
    reading: resumed?.recipe ?? training.recipe,
    cacheFolder: context.cacheFolder,
    dataDir,
    dataDirSource: training.environment?.get('dataDir'),
    isNewRun: resumed === undefined,
    test,
    signal,
    proxyFor,
    onProgress: log.onDownload,
    onDecoding: log.onDecoding,
    onNotice: (message) => log.notice(message),
  });
}
