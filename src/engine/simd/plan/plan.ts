/** A model compiled into steps over one arena, and how they are run. */

import type { RandomKey } from '../../../foundation/random.js';
import type { Model, ModelState } from '../../../model/index.js';
import type { EvaluationResult, GradientResult, MicroBatch, Targets } from '../../engine.js';
import { softmaxCrossEntropy } from '../../softmaxCrossEntropy.js';
import type { Arithmetic } from '../arithmetic.js';
import { KernelLibrary } from '../kernels/library.js';
import type { KernelObserver } from '../kernels/library.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { Arena } from './arena.js';
import type { Region } from './arena.js';
import { buildGraph, IMAGES_VALUE } from '../../graph.js';
import { floatIndex } from './headSteps.js';
import type { RegionContribution } from './headSteps.js';
import { Planner } from './planner.js';
import { forEachGroup } from './run.js';
import type { Run, Step } from './run.js';
import type { ValueMemory } from './values.js';

const IMAGES_EVALUATED_AT_ONCE = 32;

export class Plan {
  /** Parameters that the logits do not depend on are never written: their gradient stays zero. */
  private readonly gradientSum: Region;

  private constructor(
    private readonly model: Model,
    private readonly arena: Arena,
    private readonly steps: readonly Step[],
    private readonly backwardSteps: readonly Step[],
    private readonly images: ValueMemory,
    private readonly logits: ValueMemory,
    private readonly lossGradient: RegionContribution,
  ) {
    this.gradientSum = arena.fixed(model.layout.parameterCount);
  }

  /** @throws LockstepError E_ENGINE_UNAVAILABLE if the network is too large for WebAssembly */
  static async compile(model: Model, arithmetic: Arithmetic, observe?: KernelObserver): Promise<Plan> {
    const library = new KernelLibrary(arithmetic, observe);
    const arena = new Arena((memory) => library.bind(memory));
    const planner = new Planner(buildGraph(model), library, arena);
    const steps = planner.plan();
    await library.compile();
    const { values, graph } = planner;
    const backwardSteps = steps.filter((_, index) => graph.isLive[index]).reverse();
    const [images, logits] = [values[IMAGES_VALUE]!, values[graph.logits]!];
    const plan = new Plan(model, arena, steps, backwardSteps, images, logits, planner.lossGradient);
    arena.checkFixedRegions();
    return plan;
  }

  get byteLength(): number {
    return this.arena.byteLength;
  }

  /** Converts the weights of a state into the kernels' form; `gradient` and `evaluate` use the last one prepared. */
  prepareWeights(state: ModelState): void {
    const run = this.runOf(state, 0, 'batch');
    for (const step of this.steps) step.prepareWeights?.(run);
  }

  /** @param into (parameterCount), becomes the result's `gradientSum` */
  gradient(state: ModelState, batch: MicroBatch, dropoutKey: RandomKey, into: Float32Array): GradientResult {
    const { layout } = this.model;
    this.arena.reserve(batch.labels.length); // may replace the memory behind views
    const run: Run = {
      ...this.runOf(state, batch.labels.length, 'batch'),
      dropoutKey,
      gradientSum: this.arena.view(this.gradientSum),
      batchStatistics: new Float32Array(layout.statisticCount),
    };
    this.forward(run, batch);
    const { sampleCount, lossSum, correct } = this.loss(batch, true);
    for (const step of this.backwardSteps) step.backward(run);
    into.set(run.gradientSum!);
    return { sampleCount, lossSum, correct, gradientSum: into, batchStatistics: run.batchStatistics! };
  }

  /** With running statistics images do not depend on each other, so processing a few at a time keeps the arena small. */
  evaluate(state: ModelState, batch: MicroBatch, statistics: Run['statistics']): EvaluationResult {
    const imageCount = batch.labels.length;
    const atOnce = statistics === 'running' ? IMAGES_EVALUATED_AT_ONCE : imageCount;
    const { classCount } = this.model;
    const total = {
      sampleCount: imageCount,
      lossSum: 0,
      correct: 0,
      logits: new Float32Array(imageCount * classCount),
    };
    forEachGroup(imageCount, atOnce, (first, count) => {
      const part = imagesOf(batch, first, count);
      this.forward(this.runOf(state, count, statistics), part);
      const { lossSum, correct, logits } = this.loss(part, false);
      total.lossSum += lossSum;
      total.correct += correct;
      total.logits.set(logits, first * classCount);
    });
    return total;
  }

  private runOf(state: ModelState, imageCount: number, statistics: Run['statistics']): Run {
    const nothing = { dropoutKey: undefined, gradientSum: undefined, batchStatistics: undefined };
    return { state, imageCount, statistics, ...nothing };
  }

  private forward(run: Run, batch: MicroBatch): void {
    this.arena.reserve(run.imageCount);
    this.upload(batch);
    for (const step of this.steps) step.forward(run);
  }

  /** Images with their channels padded to whole vectors. */
  private upload({ images, labels }: MicroBatch): void {
    const { shape, map, data, strides } = this.images;
    const { floats } = this.arena;
    let from = 0;
    for (let image = 0; image < labels.length; image++) {
      for (let row = 0; row < shape.height; row++) {
        let to = (data.at(image) + strides.origin + row * strides.row) / FLOAT_BYTES;
        for (let column = 0; column < shape.width; column++) {
          for (let channel = 0; channel < shape.channels; channel++) floats[to + channel] = images[from++]!;
          for (let padding = shape.channels; padding < map.channels; padding++) floats[to + padding] = 0;
          to += map.channels;
        }
      }
    }
  }

  /** Loss over the micro-batch; writes the gradient of the logits if asked to. */
  private loss(targets: Targets, wantGradient: boolean): EvaluationResult {
    const { labels } = targets;
    const { data } = this.logits;
    const { floats } = this.arena;
    const { classCount } = this.model;
    const logits = new Float32Array(labels.length * classCount);
    for (let image = 0; image < labels.length; image++) {
      const start = floatIndex(data, image);
      logits.set(floats.subarray(start, start + classCount), image * classCount);
    }
    const { lossSum, correct, logitGradient } = softmaxCrossEntropy(logits, targets, classCount);
    if (wantGradient) this.deliverLossGradient(logitGradient, labels.length);
    return { sampleCount: labels.length, lossSum, correct, logits };
  }

  /** @param logitGradient (B, classes), row by row */
  private deliverLossGradient(logitGradient: Float32Array, imageCount: number): void {
    const { to, region } = this.lossGradient;
    const { floats } = this.arena;
    const { classCount } = this.model;
    const { channels } = this.logits.map;
    for (let image = 0; image < imageCount; image++) {
      const row = logitGradient.subarray(image * classCount, (image + 1) * classCount);
      const start = floatIndex(region, image);
      floats.set(row, start);
      floats.fill(0, start + classCount, start + channels); // else a NaN left here spreads: 0 NaN = NaN
    }
    to.deliverRegion(region, imageCount);
  }
}

/** A part of a micro-batch; views, not copies. */
function imagesOf({ images, labels }: MicroBatch, first: number, count: number): MicroBatch {
  const length = images.length / labels.length;
  return {
    images: images.subarray(first * length, (first + count) * length),
    labels: labels.subarray(first, first + count),
  };
}
