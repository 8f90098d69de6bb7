/** Writes the weights of a checkpoint for other programs, with a model card. */

import path from 'node:path';
import {
  configText,
  evaluationNames,
  readEvaluation,
  refuseFilledFolder,
  writeWholeFolder,
} from '../coordinator/index.js';
import { exportFiles, modelCard, RECIPE_FILE } from '../export/index.js';
import type { ExportedModel, ExportFormat, ModelFacts, TestFacts } from '../export/index.js';
import { digestState } from '../model/index.js';
import { LOCKSTEP_VERSION } from '../protocol/index.js';
import { readSmallJson } from '../watch/index.js';
import { readForEvaluation } from './evaluatedCheckpoint.js';
import type { EvaluatedCheckpoint } from './evaluatedCheckpoint.js';
import { runFolderOf } from './evaluation/save.js';
import { rememberedDataDir } from './rememberedDataDir.js';
import { ownNetwork } from './runConfig.js';

export interface ExportRequest {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  readonly format: ExportFormat;
  /** A new or an empty folder. */
  readonly output: string;
  readonly signal: AbortSignal;
  readonly onNotice: (message: string) => void;
}

export interface ExportOutcome {
  readonly folder: string;
  readonly format: ExportFormat;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly checkpoint: string;
  readonly model: string;
  readonly epoch: number;
  readonly weightsSha256: string;
}

/** @throws LockstepError E_CHECKPOINT, E_IO, E_STOPPED */
export async function exportCheckpoint(request: ExportRequest): Promise<ExportOutcome> {
  const { format, output, signal, onNotice } = request;
  refuseFilledFolder(output);
  const found = await readForEvaluation(request.checkpoint);
  const { file, checkpoint, state, epoch, damage } = found;
  const { model, normalisation, recipe } = checkpoint;
  if (damage !== undefined) onNotice(`${damage}; ${file} is exported instead`);
  if (recipe.evalStatistics === 'batch') {
    onNotice('the run was evaluated by batch statistics; the export uses the running ones');
  }
  const weightsSha256 = digestState(state);
  const exported: ExportedModel = { model, state, normalisation, weightsSha256 };
  const card = modelCard(exported, format, await factsOf(found, weightsSha256));
  const files = [
    ...exportFiles(exported, format),
    { name: RECIPE_FILE, content: configText(recipeOf(found)) },
    { name: 'README.md', content: card },
  ];
  await writeWholeFolder(output, files, signal);
  return {
    folder: output,
    format,
    files: files.map(({ name, content }) => ({ name, bytes: Buffer.byteLength(content) })),
    checkpoint: file,
    model: model.name,
    epoch,
    weightsSha256,
  };
}

/** In the form of a run's config.json, which `--config` takes. */
function recipeOf({ checkpoint: { recipe, model } }: EvaluatedCheckpoint): unknown {
  return { ...recipe, versions: { lockstep: LOCKSTEP_VERSION }, ...ownNetwork(model) };
}

async function factsOf(
  { file, checkpoint, epoch, state }: EvaluatedCheckpoint,
  weightsSha256: string,
): Promise<ModelFacts> {
  const { recipe, progress, samples } = checkpoint;
  const { bestEpoch, bestAccuracy } = progress.earlyStopping;
  const folder = runFolderOf(file);
  const isOfBestEpoch = epoch === bestEpoch && (state === checkpoint.best || progress.stepInEpoch === 0);
  return {
    ...{ recipe, epoch },
    dataFolder: await dataFolderOf(recipe.dataset, folder),
    validationAccuracy: isOfBestEpoch ? (bestAccuracy ?? undefined) : undefined,
    test: folder === undefined ? undefined : await testFactsOf(folder, weightsSha256, recipe.tta),
    samples: samples && { training: samples.training.images, validation: samples.validation.images },
    numericsClasses: Object.keys(progress.contributors),
  };
}

/** Its name alone: where it is says something of this machine, and nothing to others. */
async function dataFolderOf(dataset: string, runDir: string | undefined): Promise<string | undefined> {
  if (runDir === undefined || !(dataset === 'folder' || dataset === 'idx')) return undefined;
  const folder = await rememberedDataDir(runDir).catch(() => undefined); // a damaged config.json spoils no export
  return folder === undefined ? undefined : path.basename(folder) || undefined;
}

/** What an evaluation, or the run itself, has found for these weights. */
async function testFactsOf(
  folder: string,
  weightsSha256: string,
  tta: string,
): Promise<TestFacts | undefined> {
  for (const name of await evaluationNames(folder)) {
    const evaluation = await readEvaluation(folder, name);
    if (evaluation?.weightsSha256 !== weightsSha256) continue;
    return { accuracy: evaluation.testAccuracy, samples: evaluation.testSamples, tta: evaluation.tta };
  }
  const result = readSmallJson(path.join(folder, 'result.json'));
  if (result?.['weightsSha256'] !== weightsSha256) return undefined;
  const accuracy = result['testAccuracy'];
  return typeof accuracy === 'number' ? { accuracy, samples: undefined, tta } : undefined;
}
