/**
 * What one thread does: a function of its task. It keeps an engine and a copy of the weights between tasks, only to save
 * time. How the thread gets its tasks, and which engines it has, is its host's: thread.ts in Node, and a Worker of a page.
 */

import { drawMixing, drawWindows, isCropAndFlip, prepareImages, tableOf, VIEWS } from '../data/index.js';
import type { Augmentation, AugmentationOptions } from '../data/index.js';
import { softmaxCrossEntropy } from '../engine/index.js';
import type {
  Engine,
  EngineChoice,
  MicroBatch,
  Mixture,
  PixelBatch,
  VersionedState,
} from '../engine/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { roundSum } from '../foundation/wire/rounding.js';
import { networkFrom, networkFromText } from '../model/index.js';
import type { Model, NetworkEntry } from '../model/index.js';
import type {
  ComputeSession,
  EvaluationTask,
  GradientTask,
  ItemTask,
  SharedState,
  ThreadAnswer,
  ThreadTask,
} from './task.js';

export type LoadEngine = (choice: EngineChoice, model: Model) => Promise<Engine>;

/** A network of one small layer of each of the kinds that engines prepare something for. */
const PROBE: NetworkEntry = {
  name: 'probe',
  inputShape: { height: 8, width: 8, channels: 3 },
  classNames: ['one', 'other'],
  layers: [
    { kind: 'convolution', name: 'conv', channels: 4 },
    { kind: 'batch-normalisation', name: 'norm' },
    { kind: 'relu', name: 'relu' },
    { kind: 'global-average-pool', name: 'pool' },
    { kind: 'dense', name: 'dense', channels: 2 },
  ],
};

/** Of the turn of `dispose`. */
const [FREE, TAKEN] = [0, 1];

/** An engine with the network that it was loaded for. */
interface Loaded {
  /** Both as they came. */
  readonly choice: string;
  readonly network: string;
  readonly engine: Engine;
  readonly model: Model;
}

export class TaskRunner {
  private loaded: Loaded | undefined;
  private copied: VersionedState | undefined;

  constructor(private readonly load: LoadEngine) {}

  /** @returns what became of it; an error is an answer, too */
  async run(task: ThreadTask): Promise<ThreadAnswer> {
    try {
      return await this.compute(task);
    } catch (error) {
      const code = error instanceof LockstepError ? error.code : 'E_ENGINE_FAILED';
      return { kind: 'error', code, message: describeError(error) };
    }
  }

  private compute(task: ThreadTask): Promise<ThreadAnswer> {
    switch (task.kind) {
      case 'describe':
        return this.describe(task.engine);
      case 'dispose':
        return this.dispose(task.turn);
      case 'gradient':
        return this.computeGradient(task);
      case 'evaluate':
        return this.computeEvaluation(task);
    }
  }

  /** Loads the engine with a small network: what it says of itself does not depend on the network. */
  private async describe(choice: EngineChoice): Promise<ThreadAnswer> {
    const probe = await this.load(choice, networkFrom(PROBE, PROBE.name));
    try {
      return { kind: 'description', description: probe.description };
    } finally {
      probe.dispose();
    }
  }

  /** One thread after the other: this one stands still until it is its turn. */
  private async dispose(turn: Int32Array): Promise<ThreadAnswer> {
    while (Atomics.compareExchange(turn, 0, FREE, TAKEN) !== FREE) Atomics.wait(turn, 0, TAKEN);
    const engine = this.loaded?.engine;
    this.loaded = undefined;
    try {
      engine?.dispose();
      await engine?.closed;
    } finally {
      Atomics.store(turn, 0, FREE);
      Atomics.notify(turn, 0, 1);
    }
    return { kind: 'disposed' };
  }

  private async computeGradient(task: Extract<ThreadTask, { kind: 'gradient' }>): Promise<ThreadAnswer> {
    const loaded = await this.engineFor(task.engine, task.session);
    const { gradientSum, statisticSum } = task.output;
    const result = await this.gradientOf(loaded, task);
    const { sampleCount, lossSum, correct, batchStatistics } = result;
    if (result.gradientSum !== gradientSum) gradientSum.set(result.gradientSum);
    const rounding = { format: task.session.wire, key: task.roundingKey };
    roundSum(rounding, gradientSum, task.microBatch, 1);
    // Means become sums here. Sums are added later and divided once, by the total count.
    batchStatistics.forEach((value, index) => (statisticSum[index] = value * sampleCount));
    return { kind: 'gradient', sampleCount, lossSum, correct };
  }

  private gradientOf(
    { engine, model }: Loaded,
    task: Extract<ThreadTask, { kind: 'gradient' }>,
  ): ReturnType<Engine['gradient']> {
    const { dropoutKey, output, session } = task;
    const { labelSmoothing } = session;
    const augmentation = augmentationOf(task);
    if (engine.fromPixels !== undefined && (augmentation === undefined || isCropAndFlip(augmentation))) {
      const batch = { ...pixelBatch(task, augmentation), labelSmoothing };
      return engine.fromPixels.gradient(task.state, batch, dropoutKey, output.gradientSum);
    }
    const mixture = mixtureOf(task.labels, augmentation);
    const batch = { ...prepare(model, task, { augmentation }), labelSmoothing, mixture };
    return engine.gradient(this.localCopy(task.state), batch, dropoutKey, output.gradientSum);
  }

  private async computeEvaluation(task: EvaluationTask): Promise<ThreadAnswer> {
    const loaded = await this.engineFor(task.engine, task.session);
    if (task.session.evaluationViews !== 'none') return this.evaluateViews(loaded, task);
    const { engine, model } = loaded;
    const { evaluationStatistics } = task.session;
    const result =
      engine.fromPixels === undefined
        ? await engine.evaluate(this.localCopy(task.state), prepare(model, task), evaluationStatistics)
        : await engine.fromPixels.evaluate(task.state, pixelBatch(task, undefined), evaluationStatistics);
    return { kind: 'evaluation', ...result };
  }

  /** Averages the logits of several views of each image, in a fixed order, before they are scored. */
  private async evaluateViews({ engine, model }: Loaded, task: EvaluationTask): Promise<ThreadAnswer> {
    const { session, labels } = task;
    const mean = new Float64Array(labels.length * model.classCount);
    for (const { window, weight } of VIEWS[session.evaluationViews]) {
      const batch = prepare(model, task, { window });
      const state = this.localCopy(task.state);
      const { logits } = await engine.evaluate(state, batch, session.evaluationStatistics);
      logits.forEach((logit, index) => (mean[index]! += weight * logit));
    }
    const logits = Float32Array.from(mean);
    const { lossSum, correct } = softmaxCrossEntropy(logits, { labels }, model.classCount);
    return { kind: 'evaluation', sampleCount: labels.length, lossSum, correct, logits };
  }

  private async engineFor(choice: EngineChoice, { network }: ComputeSession): Promise<Loaded> {
    const choiceText = JSON.stringify(choice);
    if (this.loaded?.network === network && this.loaded.choice === choiceText) return this.loaded;
    this.loaded?.engine.dispose();
    this.loaded = undefined;
    const model = networkFromText(network, 'of the run');
    this.loaded = { choice: choiceText, network, model, engine: await this.load(choice, model) };
    this.copied = undefined;
    return this.loaded;
  }

  /**
   * A copy of the weights. Engines may keep references while they compute with a version, but shared memory changes. The
   * next version replaces the copy.
   */
  private localCopy({ version, parameters, statistics }: SharedState): VersionedState {
    const { copied } = this;
    if (copied?.version === version) return copied;
    if (copied?.parameters.length === parameters.length && copied.statistics.length === statistics.length) {
      copied.parameters.set(parameters);
      copied.statistics.set(statistics);
      this.copied = { ...copied, version };
    } else {
      this.copied = {
        version,
        parameters: new Float32Array(parameters),
        statistics: new Float32Array(statistics),
      };
    }
    return this.copied;
  }
}

function augmentationOf({
  augmentationKey: key,
  mirrored,
  session,
}: GradientTask): AugmentationOptions | undefined {
  if (key === null) return undefined;
  return { ...session.augmentation, key, ...(mirrored && { mirrored }) };
}

/** The labels of the images that preparation mixes in: both follow from the same key. */
function mixtureOf(labels: Uint8Array, augmentation: AugmentationOptions | undefined): Mixture | undefined {
  if (augmentation?.mixup === undefined || augmentation.mixup === 0) return undefined;
  const { share, partners } = drawMixing(augmentation.key, augmentation.mixup, labels.length);
  return { share, labels: Uint8Array.from(partners, (partner) => labels[partner]!) };
}

function prepare(
  { inputShape: imageShape }: Model,
  { session, pixels, labels }: ItemTask,
  { augmentation, window }: { augmentation?: AugmentationOptions | undefined; window?: Augmentation } = {},
): MicroBatch {
  const sampleCount = labels.length;
  const { normalisation } = session;
  const images = prepareImages({ pixels, imageShape, sampleCount, normalisation, augmentation, window });
  return { images, labels };
}

function pixelBatch(
  { session, pixels, labels }: ItemTask,
  augmentation: AugmentationOptions | undefined,
): PixelBatch {
  const windows = drawWindows(augmentation, labels.length);
  return { pixels, labels, windows, table: tableOf(session.normalisation) };
}
