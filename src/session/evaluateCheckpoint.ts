/** How good a checkpoint is on the test set, and what it gets wrong. For reporting only: nothing may be selected by them. */

import path from 'node:path';
import { broadcastOf, checkNetworkFitsData, evaluate, Fleet, welcomeFor } from '../coordinator/index.js';
import type { EvaluationScore, Recipe } from '../coordinator/index.js';
import { loadCifar10Test, syntheticTestSet } from '../data/index.js';
import type { ImageSet } from '../data/index.js';
import { chooseEngine } from '../engine/index.js';
import type { EngineDescription } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Sentence } from '../foundation/options/optionError.js';
import { digestState } from '../model/index.js';
import { startLocalNode } from '../worker/index.js';
import { withCleanup } from './cleanup.js';
import type { Closer } from './cleanup.js';
import { threadsFor, withTuning } from './engineThreads.js';
import { readForEvaluation } from './evaluatedCheckpoint.js';
import type { EvaluatedCheckpoint } from './evaluatedCheckpoint.js';
import { findingsOf, withPictures } from './evaluation/assemble.js';
import type { EvaluationSubject, Findings } from './evaluation/assemble.js';
import { checkEmpty, savePngs } from './evaluation/pictures.js';
import { keepEvaluation } from './evaluation/save.js';
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
  /** Undefined: as in training. */
  readonly tta?: Recipe['tta'] | undefined;
  readonly cacheFolder?: string | undefined;
  /** Whether to keep the evaluation in the run folder. */
  readonly save: boolean;
  /** A new or an empty folder that gets the worst images as PNG files. */
  readonly saveImages?: string | undefined;
  readonly signal: AbortSignal;
  readonly onNotice: (message: Sentence | string) => void;
  /** Told how many images are done, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What evaluation-….json holds, without the pixels of images, and where it is. */
export interface EvaluationOutcome extends Findings {
  /** Null if saving was not asked for or failed, or if the checkpoint is outside a run folder. */
  readonly savedAs: string | null;
}

const WAIT_TIMEOUT_MS = 30_000;

/** @throws LockstepError, among others E_STOPPED if the signal came first */
export async function evaluateCheckpoint(options: EvaluationOptions): Promise<EvaluationOutcome> {
  const { signal, onNotice, saveImages } = options;
  if (saveImages !== undefined) checkEmpty(saveImages);
  const found = await readForEvaluation(options.checkpoint);
  const { file } = found;
  const { recipe, model } = found.checkpoint;
  if (found.damage !== undefined) onNotice(`${found.damage}; ${file} is evaluated instead`);
  const set = await openTestSet(recipe, file, options);
  checkNetworkFitsData(model, recipe.dataset, set);
  let computed: Computed;
  try {
    computed = await withCleanup((closers) => compute(found, set, { options, closers }));
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('E_STOPPED', 'the evaluation was stopped', { cause: error });
  }
  const { classNames } = model;
  const subject = subjectOf(found, options, computed.description);
  const findings = findingsOf(subject, { set, classNames, ...computed });
  if (saveImages !== undefined) await savePngs(saveImages, findings.worstImages, { set, classNames });
  const savedAs = options.save ? await keepEvaluation(withPictures(findings, set), file, onNotice) : null;
  return { ...findings, savedAs };
}

function subjectOf(
  { file, epoch, state, checkpoint: { recipe } }: EvaluatedCheckpoint,
  { evalStatistics = recipe.evalStatistics, tta = recipe.tta }: EvaluationOptions,
  { name, numericsClass }: EngineDescription,
): EvaluationSubject {
  return {
    checkpoint: file,
    dataset: recipe.dataset,
    model: recipe.model,
    epoch,
    weightsSha256: digestState(state),
    evalStatistics,
    tta,
    engine: name,
    numericsClass,
  };
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

interface Computed {
  readonly score: EvaluationScore;
  readonly logits: Float32Array; // (N, classes)
  readonly description: EngineDescription;
}

async function compute(
  { file, checkpoint, state }: EvaluatedCheckpoint,
  set: ImageSet,
  { options, closers }: Surroundings,
): Promise<Computed> {
  const { recipe, normalisation, model } = checkpoint;
  const evalStatistics = options.evalStatistics ?? recipe.evalStatistics;
  const tta = options.tta ?? recipe.tta;
  const fleet = new Fleet({
    welcome: welcomeFor({
      runName: 'evaluation',
      model,
      normalisation,
      recipe: { ...recipe, evalStatistics, tta },
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
  const score = await evaluate(fleet, {
    set,
    indices: Uint32Array.from({ length: set.sampleCount }, (_, index) => index),
    state: broadcastOf(state, 0),
    wantsLogits: true,
    onProgress: options.onProgress,
    signal: options.signal,
    divergence: () => notFinite(file),
  });
  return { score, logits: score.logits!, description: node.description };
}

function notFinite(file: string): LockstepError {
  return new LockstepError(
    'E_DIVERGED',
    `the loss of ${file} on the test set is not finite: its training had diverged; evaluate an earlier checkpoint`,
  );
}
