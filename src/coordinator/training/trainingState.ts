/**
 * The state of a run: weights, momentum, progress, and the best weights so far. Only the coordinator holds it; workers get
 * it as broadcasts of numbered versions. It changes here and nowhere else, and only between rounds.
 */

import { littleEndianBytes } from '../../foundation/littleEndian.js';
import { weightFormatOf } from '../../foundation/wire/format.js';
import type { WireFormat } from '../../foundation/wire/format.js';
import { packInPlace, roundToWire } from '../../foundation/wire/kernels.js';
import type { Model, ModelState } from '../../model/index.js';
import { Broadcast } from '../../protocol/index.js';
import type { Parameters } from '../../protocol/index.js';
import type { Checkpoint } from '../checkpoints/checkpoint.js';
import { withContributor } from '../run/contributors.js';
import type { Contributor } from '../run/contributors.js';
import type { Recipe } from '../run/recipe.js';
import { observeAccuracy } from '../run/earlyStopping.js';
import { emptyTotals, freshProgress } from '../run/progress.js';
import type { TrainingProgress } from '../run/progress.js';
import { applySgd, mergeStatistics } from './sgd.js';
import type { SgdOptions } from './sgd.js';
import { keeping } from './tensorRules.js';
import type { TensorRules } from './tensorRules.js';
import { evaluatedWeights, updateAverage } from './averaging.js';
import type { AveragingStep } from './averaging.js';
import { overwrite, startingState } from './startingState.js';
import type { InitialTensors, TrainingImages } from './startingState.js';
import { GradientBuffers } from '../vectors/treeReduction.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { allFinite } from '../vectors/vectorKernels.js';
import { VectorMemory } from '../vectors/vectorMemory.js';

/** Weights, momentum, and the sums of a step whose gradients arrive in the worst order: of 256 micro-batches, half. */
const USUAL_VECTORS = 136;

/** What a checkpoint holds of the state. */
export type SavedState = Pick<Checkpoint, 'state' | 'velocity' | 'progress' | 'best' | 'averaged'>;

/** What one step adds to the progress. */
export interface StepTotals {
  /** Sums over the step's samples. */
  readonly lossSum: number;
  readonly correct: number;
  readonly samples: number;
  readonly seconds: number;
}

export type FreshOptions = Pick<Recipe, 'seed' | 'averaging'>;

/** The optimizer's settings, and which tensors differ. */
export interface UpdateOptions {
  readonly lr: number;
  readonly sgd: SgdOptions;
  readonly rules?: TensorRules;
  /** Left out: nothing is averaged. */
  readonly averaging?: AveragingStep;
}

/** WebAssembly memories that a run's vectors and its optimizer need. */
export function vectorMemoriesFor({ optimizer }: Pick<Recipe, 'optimizer'>): number {
  return optimizer === 'muon' ? 2 : 1; // matrices are made orthogonal in one of their own
}

export class TrainingState {
  readonly model: ModelState;
  readonly velocity: Float32Array; // (parameterCount)
  /** The average of the weights of earlier steps; undefined in a run that averages nothing. */
  readonly averaged: ModelState | undefined;
  /** The memory in which a step's gradients are summed. */
  readonly gradientBuffers: GradientBuffers;
  private version = 0;
  private bestWeights: ModelState | undefined;
  private currentProgress: TrainingProgress;
  private published: Broadcast<Parameters> | undefined;

  /** Copies the vectors into the memory that the optimizer computes in. */
  private constructor({ state, velocity, progress, best, averaged }: SavedState) {
    const { parameters, statistics } = state;
    const memory = new VectorMemory(USUAL_VECTORS * parameters.byteLength);
    this.model = { parameters: memory.holding(parameters), statistics: statistics.slice() };
    this.velocity = memory.holding(velocity);
    this.gradientBuffers = new GradientBuffers(memory);
    this.currentProgress = progress;
    this.bestWeights = best;
    this.averaged = averaged && copyOf(averaged);
  }

  /**
   * @param images that layers which start from the data are made from; they start as `dirac` without
   * @param initial tensors that do not start from the seed, by name
   */
  static fresh(
    model: Model,
    { seed, averaging }: FreshOptions,
    images?: TrainingImages,
    initial?: InitialTensors,
  ): TrainingState {
    const velocity = new Float32Array(model.layout.parameterCount);
    const state = startingState(model, seed, images);
    if (initial) overwrite(state, model, initial);
    const averaged = averaging === 'none' ? undefined : state;
    return new TrainingState({ state, velocity, progress: freshProgress(), best: undefined, averaged });
  }

  /** The state that a checkpoint holds. */
  static from(saved: SavedState): TrainingState {
    return new TrainingState(saved);
  }

  get progress(): TrainingProgress {
    return this.currentProgress;
  }

  /** The weights of the best epoch so far; undefined before the first, and if an old checkpoint did not hold them. */
  get best(): ModelState | undefined {
    return this.bestWeights;
  }

  /** The current weights as one message for all nodes; valid until the next update. */
  broadcast(): Broadcast<Parameters> {
    return (this.published ??= broadcastOf(this.model, this.version));
  }

  /** The current weights for a step's gradients, in the form that the recipe's gradients call for. */
  broadcastForStep(gradients: WireFormat): Broadcast<Parameters> {
    const wire = weightFormatOf(gradients);
    if (wire === 'float32') return this.broadcast();
    this.nextVersion();
    const rounded = this.model.parameters.slice();
    roundToWire(wire, rounded, null);
    const parameters = packInPlace(wire, rounded);
    const statistics = littleEndianBytes(this.model.statistics);
    const broadcast = new Broadcast({
      type: 'parameters',
      version: this.version,
      wire,
      parameters,
      statistics,
    });
    this.nextVersion();
    return broadcast;
  }

  /** What `evaluatedWeights` chooses. */
  evaluated(averaging: Recipe['averaging']): ModelState {
    return evaluatedWeights(averaging, { current: this.model, averaged: this.averaged });
  }

  /** The evaluated weights as one message; valid until the next update. */
  broadcastEvaluated(averaging: Recipe['averaging']): Broadcast<Parameters> {
    const weights = this.evaluated(averaging);
    if (weights === this.model) return this.broadcast();
    this.nextVersion();
    const broadcast = broadcastOf(weights, this.version);
    this.nextVersion();
    return broadcast;
  }

  /** Updates the weights by one optimizer step, and gives the total back to `gradientBuffers`. */
  update(total: GradientLeaf, { lr, sgd, rules, averaging }: UpdateOptions): void {
    applySgd(this.model.parameters, this.velocity, total, lr, sgd, rules);
    const { frozen = [], frozenStatistics = [] } = rules ?? {};
    keeping([this.model.statistics], frozenStatistics, () => mergeStatistics(this.model, total, rules));
    const { averaged } = this;
    if (averaged && averaging) {
      // An average of equal numbers may lose the sign of a zero.
      keeping([averaged.parameters], frozen, () =>
        keeping([averaged.statistics], frozenStatistics, () =>
          updateAverage(averaged, this.model, averaging),
        ),
      );
    }
    this.gradientBuffers.giveBack(total);
    this.nextVersion();
  }

  /** Whether all weights, statistics and momenta are finite. */
  isFinite(): boolean {
    const { parameters, statistics } = this.model;
    return [parameters, statistics, this.velocity].every(allFinite);
  }

  /** Counts a step whose update has been applied. */
  completeStep({ lossSum, correct, samples, seconds }: StepTotals): void {
    const { progress } = this;
    const totals = progress.epochTotals;
    this.currentProgress = {
      ...progress,
      step: progress.step + 1,
      stepInEpoch: progress.stepInEpoch + 1,
      stepSeconds: progress.stepSeconds + seconds,
      images: progress.images + samples,
      epochTotals: {
        lossSum: totals.lossSum + lossSum,
        correct: totals.correct + correct,
        samples: totals.samples + samples,
        seconds: totals.seconds + seconds,
      },
    };
  }

  /**
   * Counts an epoch, and keeps a copy of the weights if they are the best so far.
   * @param validationAccuracy of the weights that `broadcastEvaluated` gave; undefined in a run without validation samples
   * @returns whether the weights are the best so far
   */
  completeEpoch(validationAccuracy: number | undefined, averaging: Recipe['averaging'] = 'none'): boolean {
    const { progress } = this;
    const epoch = progress.epoch + 1;
    const earlyStopping =
      validationAccuracy === undefined
        ? progress.earlyStopping
        : observeAccuracy(progress.earlyStopping, epoch, validationAccuracy);
    this.currentProgress = { ...progress, epoch, stepInEpoch: 0, epochTotals: emptyTotals(), earlyStopping };
    const isBest = earlyStopping.bestEpoch === epoch;
    if (isBest) this.bestWeights = copyOf(this.evaluated(averaging));
    return isBest;
  }

  /**
   * Notes that a result of this numerics class is part of the run.
   * @returns all numerics classes of the run, if this one makes them more than one; otherwise undefined
   */
  contribute(numericsClass: string, contributor: Contributor): readonly string[] | undefined {
    const before = this.progress.contributors;
    const contributors = withContributor(before, numericsClass, contributor);
    if (contributors === before) return undefined;
    this.currentProgress = { ...this.progress, contributors };
    const classes = Object.keys(contributors);
    return classes.length > 1 && classes.length > Object.keys(before).length ? classes : undefined;
  }

  /** Makes the best weights the current ones. @returns false if there are none, and nothing has changed */
  restoreBest(): boolean {
    if (!this.bestWeights) return false;
    this.adopt(this.bestWeights);
    return true;
  }

  /** Makes the evaluated weights the current ones. */
  adoptEvaluated(averaging: Recipe['averaging']): void {
    const weights = this.evaluated(averaging);
    if (weights !== this.model) this.adopt(weights);
  }

  private adopt({ parameters, statistics }: ModelState): void {
    this.model.parameters.set(parameters);
    this.model.statistics.set(statistics);
    this.nextVersion();
  }

  private nextVersion(): void {
    this.version++;
    this.published = undefined;
  }
}

function copyOf({ parameters, statistics }: ModelState): ModelState {
  return { parameters: parameters.slice(), statistics: statistics.slice() };
}

/** The weights as one message. It views the vectors, so they must not change while the broadcast is in use. */
export function broadcastOf(state: ModelState, version: number): Broadcast<Parameters> {
  return new Broadcast({
    type: 'parameters',
    version,
    wire: 'float32',
    parameters: littleEndianBytes(state.parameters),
    statistics: littleEndianBytes(state.statistics),
  });
}
