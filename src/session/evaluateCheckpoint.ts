/** A checkpoint's loss and accuracy on the test set. For reporting only: nothing may be selected by them. */

import path from 'node:path';
import { broadcastOf, checkNetworkFitsData, evaluate, Fleet, welcomeFor } from '../coordinator/index.js';
import type { EvaluationScore, Recipe } from '../coordinator/index.js';
import { loadCifar10Test, syntheticTestSet } from '../data/index.js';
import type { ImageSet } from '../data/index.js';
import { chooseEngine } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Sentence } from '../foundation/options/optionError.js';
import { digestState } from '../model/index.js';
import { startLocalNode } from '../worker/index.js';
import { withCleanup } from './cleanup.js';
import type { Closer } from './cleanup.js';
import { threadsFor, withTuning } from './engineThreads.js';
import { readForEvaluation } from './evaluatedCheckpoint.js';
import type { EvaluatedCheckpoint } from './evaluatedCheckpoint.js';
import type { OpenedDataset } from './openDataset.js';
import { ofAProgram, orElsewhere } from './openDataset.js';
import { RUN_SETTINGS } from './options/settings.js';
import { rememberedDataDir } from './rememberedDataDir.js';
import type { EngineSettings } from './trainingOptions.js';

export interface EvaluationOptions extends EngineSettings {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** Undefined: the data that the run names. */
  readonly data?: OpenedDataset | undefined;
  /** Undefined: that of the run, else the default. */
  readonly dataDir?: string | undefined;
  /** The environment variable that names it, if one does. */
  readonly dataDirSource?: string | undefined;
  readonly workers: number;
  /** Whether `workers` was given; else it is one for each core. */
  readonly isWorkersGiven: boolean;
  /** Undefined: as in training. */
  readonly evalStatistics?: Recipe['evalStatistics'] | undefined;
  readonly cacheFolder?: string | undefined;
  readonly signal: AbortSignal;
  readonly onNotice: (message: Sentence | string) => void;
}

export interface EvaluationOutcome {
  readonly checkpoint: string;
  readonly dataset: string;
  readonly model: string;
  readonly epoch: number;
  readonly weightsSha256: string;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly testSamples: number;
}

const WAIT_TIMEOUT_MS = 30_000;

/** @throws LockstepError, among others E_STOPPED if the signal came first */
export async function evaluateCheckpoint(options: EvaluationOptions): Promise<EvaluationOutcome> {
  const { signal, onNotice } = options;
  const found = await readForEvaluation(options.checkpoint);
  const { file, epoch, state } = found;
  const { recipe, model } = found.checkpoint;
  if (found.damage !== undefined) onNotice(`${found.damage}; ${file} is evaluated instead`);
  const set = await openTestSet(recipe, file, options);
  checkNetworkFitsData(model, recipe.dataset, set);
  try {
    const score = await withCleanup((closers) => scoreOf(found, set, { options, closers }));
    return {
      checkpoint: file,
      dataset: recipe.dataset,
      model: recipe.model,
      epoch,
      weightsSha256: digestState(state),
      testLoss: score.loss,
      testAccuracy: score.accuracy,
      testSamples: score.samples,
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('E_STOPPED', 'the evaluation was stopped', { cause: error });
  }
}

async function openTestSet(
  { dataset }: Recipe,
  file: string,
  { data, dataDir, dataDirSource }: Pick<EvaluationOptions, 'data' | 'dataDir' | 'dataDirSource'>,
): Promise<ImageSet> {
  if (data) return testSetOf(data, dataset);
  if (dataset === 'cifar10') {
    return loadCifar10Test(dataDir ?? (await dataDirFor(file))).catch((error: unknown) => {
      throw orElsewhere(error, dataDir === undefined ? undefined : dataDirSource);
    });
  }
  if (dataset === 'synthetic') return syntheticTestSet();
  throw ofAProgram(dataset);
}

/** @param checkpoint `checkpoints/….safetensors` in the folder of its run, or anywhere else */
async function dataDirFor(checkpoint: string): Promise<string> {
  const runDir = path.dirname(path.dirname(path.resolve(checkpoint)));
  return (await rememberedDataDir(runDir)) ?? String(RUN_SETTINGS.dataDir.default);
}

/** @throws LockstepError E_OPTION if the data are others than those of the run, or have no test set */
function testSetOf({ name, openTest }: OpenedDataset, dataset: string): Promise<ImageSet> {
  if (name !== dataset) {
    throw new LockstepError(
      'E_OPTION',
      `the data are called ${name}, but the weights were trained on ${dataset}; give the same data`,
    );
  }
  if (!openTest) throw new LockstepError('E_OPTION', `the data ${name} have no test set; add one`);
  return openTest();
}

interface Surroundings {
  readonly options: EvaluationOptions;
  readonly closers: Closer[];
}

async function scoreOf(
  { file, checkpoint, state }: EvaluatedCheckpoint,
  set: ImageSet,
  { options, closers }: Surroundings,
): Promise<EvaluationScore> {
  const { recipe, normalisation, model } = checkpoint;
  const evalStatistics = options.evalStatistics ?? recipe.evalStatistics;
  const fleet = new Fleet({
    welcome: welcomeFor({
      runName: 'evaluation',
      model,
      normalisation,
      recipe: { ...recipe, evalStatistics },
    }),
    onEvent: () => undefined,
    waitTimeoutMs: WAIT_TIMEOUT_MS,
  });
  const { engine, numerics, device, precision, tune, cacheFolder } = options;
  const chosen = await chooseEngine(engine, numerics, device, precision);
  const { notice, ...choice } = withTuning(chosen, { tune, cacheFolder });
  if (notice !== undefined) options.onNotice(notice);
  const node = await startLocalNode(choice, threadsFor(choice, options.workers, options.isWorkersGiven));
  closers.push(
    () => node.close(),
    () => fleet.end('the evaluation has ended', { runEnded: true }),
  );
  fleet.admit(node.channel, { local: true });
  return evaluate(fleet, {
    set,
    indices: Uint32Array.from({ length: set.sampleCount }, (_, index) => index),
    state: broadcastOf(state, 0),
    signal: options.signal,
    divergence: () => notFinite(file),
  });
}

function notFinite(file: string): LockstepError {
  return new LockstepError(
    'E_DIVERGED',
    `the loss of ${file} on the test set is not finite: its training had diverged; evaluate an earlier checkpoint`,
  );
}
