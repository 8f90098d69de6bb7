/**
 * One worker thread: a function of its task, run by piscina. It keeps an engine and a copy of the weights between tasks,
 * only to save time.
 */

import { drawWindows, prepareImages, tableOf } from '../data/index.js';
import type { AugmentationOptions } from '../data/index.js';
import { loadEngine } from '../engine/index.js';
import type { Engine, EngineChoice, MicroBatch, PixelBatch, VersionedState } from '../engine/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { buildModel } from '../model/index.js';
import type {
  ComputeSession,
  EvaluationTask,
  ItemTask,
  SharedState,
  ThreadAnswer,
  ThreadTask,
} from './task.js';

export default async function runTask(task: ThreadTask): Promise<ThreadAnswer> {
  try {
    return await compute(task);
  } catch (error) {
    const code = error instanceof LockstepError ? error.code : 'E_ENGINE_FAILED';
    return { kind: 'error', code, message: describeError(error) };
  }
}

function compute(task: ThreadTask): Promise<ThreadAnswer> {
  switch (task.kind) {
    case 'describe':
      return describe(task.engine);
    case 'gradient':
      return computeGradient(task);
    case 'evaluate':
      return computeEvaluation(task);
  }
}

/** Loads the engine with the smallest model: the description does not depend on the model. */
async function describe(choice: EngineChoice): Promise<ThreadAnswer> {
  const probe = await loadEngine(choice, buildModel('resnet8'));
  try {
    return { kind: 'description', description: probe.description };
  } finally {
    probe.dispose();
  }
}

async function computeGradient(task: Extract<ThreadTask, { kind: 'gradient' }>): Promise<ThreadAnswer> {
  const engine = await engineFor(task.engine, task.session);
  const { gradientSum, statisticSum } = task.output;
  const result = await gradientOf(engine, task);
  const { sampleCount, lossSum, correct, batchStatistics } = result;
  if (result.gradientSum !== gradientSum) gradientSum.set(result.gradientSum);
  // Means become sums here. Sums are added later and divided once, by the total count.
  batchStatistics.forEach((value, index) => (statisticSum[index] = value * sampleCount));
  return { kind: 'gradient', sampleCount, lossSum, correct };
}

function gradientOf(
  engine: Engine,
  task: Extract<ThreadTask, { kind: 'gradient' }>,
): ReturnType<Engine['gradient']> {
  const { augmentationKey, dropoutKey, output, session } = task;
  const { cropPadding, labelSmoothing } = session;
  const augmentation = augmentationKey === null ? undefined : { key: augmentationKey, cropPadding };
  if (engine.fromPixels !== undefined) {
    const batch = { ...pixelBatch(task, augmentation), labelSmoothing };
    return engine.fromPixels.gradient(task.state, batch, dropoutKey, output.gradientSum);
  }
  const batch = { ...prepare(task, augmentation), labelSmoothing };
  return engine.gradient(localCopy(task.state), batch, dropoutKey, output.gradientSum);
}

async function computeEvaluation(task: EvaluationTask): Promise<ThreadAnswer> {
  const engine = await engineFor(task.engine, task.session);
  const { evaluationStatistics } = task.session;
  const result =
    engine.fromPixels === undefined
      ? await engine.evaluate(localCopy(task.state), prepare(task, undefined), evaluationStatistics)
      : await engine.fromPixels.evaluate(task.state, pixelBatch(task, undefined), evaluationStatistics);
  return { kind: 'evaluation', ...result };
}

function prepare(
  { session, pixels, labels }: ItemTask,
  augmentation: AugmentationOptions | undefined,
): MicroBatch {
  const sampleCount = labels.length;
  const images = prepareImages({ pixels, sampleCount, normalisation: session.normalisation, augmentation });
  return { images, labels };
}

function pixelBatch(
  { session, pixels, labels }: ItemTask,
  augmentation: AugmentationOptions | undefined,
): PixelBatch {
  const windows = drawWindows(augmentation, labels.length);
  return { pixels, labels, windows, table: tableOf(session.normalisation) };
}

let loaded: { readonly key: string; readonly engine: Engine } | undefined;

async function engineFor(choice: EngineChoice, session: ComputeSession): Promise<Engine> {
  const { modelName, dropoutRate } = session;
  const key = JSON.stringify([choice, modelName, dropoutRate]);
  if (loaded?.key === key) return loaded.engine;
  loaded?.engine.dispose();
  loaded = undefined;
  loaded = { key, engine: await loadEngine(choice, buildModel(modelName, dropoutRate)) };
  copied = undefined;
  return loaded.engine;
}

let copied: VersionedState | undefined;

/**
 * A copy of the weights. Engines may keep references while they compute with a version, but shared memory changes. The next
 * version replaces the copy.
 */
function localCopy({ version, parameters, statistics }: SharedState): VersionedState {
  if (copied?.version === version) return copied;
  if (copied?.parameters.length === parameters.length && copied.statistics.length === statistics.length) {
    copied.parameters.set(parameters);
    copied.statistics.set(statistics);
    copied = { ...copied, version };
  } else {
    copied = { version, parameters: new Float32Array(parameters), statistics: new Float32Array(statistics) };
  }
  return copied;
}
