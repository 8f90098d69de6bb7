/** From a run's options to what is checked: the data, the network and the engine that the run would have. */

import type { Computing, Subject } from '../../check/index.js';
import { momentsOf } from '../../data/index.js';
import type { ImageSet, Normalisation } from '../../data/index.js';
import { chooseEngine, loadEngine } from '../../engine/index.js';
import type { EngineName } from '../../engine/index.js';
import type { Model } from '../../model/index.js';
import { threadsFor } from '../engineThreads.js';
import { prepareData } from '../prepareData.js';
import { requestNetwork } from '../requestNetwork.js';
import type { SessionContext } from '../sessionOptions.js';
import type { TrainingOptions } from '../trainingOptions.js';

export type PreparationContext = Pick<SessionContext, 'log' | 'data' | 'signal' | 'proxyFor'>;

const REFERENCE: EngineName = 'cpu';

/** @param test whether the test set may be opened, too */
export async function prepareSubject(
  training: TrainingOptions,
  test: boolean,
  context: PreparationContext,
): Promise<Subject> {
  const networkFor = requestNetwork(training.network, training.recipe.dropout).forData;
  const { engine, numerics, device, precision } = training;
  const { notice, ...choice } = await chooseEngine(engine, numerics, device, precision);
  if (notice !== undefined) context.log.notice(notice);
  const { model, recipe, dataset, split, normalisation, initial } = await prepareData(
    { training },
    { settings: { dataDir: training.dataDir, test }, resumed: undefined, networkFor, context, measure },
  );
  const load = (network: Model): ReturnType<Computing['load']> => loadEngine(choice, network);
  const mine = await load(model);
  const { description } = mine;
  mine.dispose();
  return {
    model,
    recipe,
    initial,
    data: {
      set: dataset.training,
      split,
      normalisation,
      bringsValidation: dataset.validationCount !== undefined,
      openTestSet: test ? dataset.openTest : undefined,
    },
    computing: {
      choice,
      threads: threadsFor(choice, training.workers, training.given.has('workers')),
      description,
      load,
      loadReference:
        choice.name === REFERENCE ? undefined : (network) => loadEngine({ name: REFERENCE }, network),
    },
  };
}

/** A channel of one value is reported by a check, so it must not end the preparation. */
function measure(set: ImageSet, indices: Uint32Array): Normalisation {
  const { mean, standardDeviation } = momentsOf(set, indices);
  return { mean, standardDeviation: standardDeviation.map((deviation) => (deviation === 0 ? 1 : deviation)) };
}
