/** How good a checkpoint is on the test set, and what it gets wrong. For reporting only: nothing may be selected by them. */

import path from 'node:path';
import { checkNetworkFitsData } from '../coordinator/index.js';
import type { Recipe } from '../coordinator/index.js';
import { isFileSource, loadCifar10Test, openSourceTest, syntheticTestSet } from '../data/index.js';
import type { DecodingProgress, ImageSet } from '../data/index.js';
import type { EngineDescription } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Sentence } from '../foundation/options/optionError.js';
import { digestState } from '../model/index.js';
import { refuseFilled } from './emptyFolder.js';
import { readForEvaluation } from './evaluatedCheckpoint.js';
import type { EvaluatedCheckpoint } from './evaluatedCheckpoint.js';
import { findingsOf, withPictures } from './evaluation/assemble.js';
import type { EvaluationSubject, Findings } from './evaluation/assemble.js';
import { computeLogits } from './evaluation/computeLogits.js';
import type { ComputedLogits } from './evaluation/computeLogits.js';
import { savePngs } from './evaluation/pictures.js';
import { keepEvaluation } from './evaluation/save.js';
import type { OpenedDataset } from './openDataset.js';
import { ofAProgram, orElsewhere, sourceOptions } from './openDataset.js';
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
  readonly onDecoding?: ((progress: DecodingProgress) => void) | undefined;
  /** Told how many images are done, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What evaluation-….json holds, without the pixels of images, and where it is. */
export interface EvaluationOutcome extends Findings {
  /** Null if saving was not asked for or failed, or if the checkpoint is outside a run folder. */
  readonly savedAs: string | null;
}

/** @throws LockstepError, among others E_STOPPED if the signal came first */
export async function evaluateCheckpoint(options: EvaluationOptions): Promise<EvaluationOutcome> {
  const { signal, onNotice, saveImages } = options;
  if (saveImages !== undefined) refuseFilled(saveImages, 'images are saved');
  const found = await readForEvaluation(options.checkpoint);
  const { file } = found;
  const { recipe, model } = found.checkpoint;
  if (found.damage !== undefined) onNotice(`${found.damage}; ${file} is evaluated instead`);
  const set = await openTestSet(recipe, file, options);
  checkNetworkFitsData(model, recipe.dataset, set);
  let computed: ComputedLogits;
  try {
    computed = await computeLogits(found, set, { ...options, divergence: () => notFinite(file) });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('E_STOPPED', 'the evaluation was stopped', { cause: error });
  }
  const { classNames } = model;
  const subject = subjectOf(found, options, computed.description);
  const findings = findingsOf(subject, { set, classNames, ...computed });
  const savedAs = options.save ? await keepEvaluation(withPictures(findings, set), file, onNotice) : null;
  if (saveImages !== undefined) await savePngs(saveImages, findings.worstImages, { set, classNames });
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

async function openTestSet(recipe: Recipe, file: string, options: EvaluationOptions): Promise<ImageSet> {
  const { dataset } = recipe;
  const { data, dataDir, dataDirSource } = options;
  if (data) return testSetOf(data, dataset);
  if (isFileSource(dataset)) {
    // The variable names the folder of CIFAR: a run on one's own pictures remembers where they are.
    const isMeant = dataset === 'cifar100' || dataDirSource === undefined;
    const named = isMeant ? dataDir : undefined;
    return openSourceTest(
      dataset,
      sourceOptions({ ...options, dataDir: named ?? (await dataDirFor(file)), reading: recipe }),
    );
  }
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

function notFinite(file: string): LockstepError {
  return new LockstepError(
    'E_DIVERGED',
    `the loss of ${file} on the test set is not finite: its training had diverged; evaluate an earlier checkpoint`,
  );
}
