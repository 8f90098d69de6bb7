/**
 * The state of a run, which the coordinator alone holds: weights, momentum, progress. Workers see it as broadcasts of
 * numbered versions. Nothing else in Lockstep may change these vectors, and they change only between rounds.
 */

import { littleEndianBytes } from '../../foundation/littleEndian.js';
import { initialiseModel } from '../../model/index.js';
import type { Model, ModelState } from '../../model/index.js';
import { Broadcast } from '../../protocol/index.js';
import type { Parameters } from '../../protocol/index.js';
import type { Checkpoint } from '../checkpoints/checkpoint.js';
import { freshProgress } from '../run/progress.js';
import type { TrainingProgress } from '../run/progress.js';
import { applySgd, mergeStatistics } from './sgd.js';
import type { SgdOptions } from './sgd.js';
import type { TensorRules } from './tensorRules.js';
import { GradientBuffers } from '../vectors/treeReduction.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { allFinite } from '../vectors/vectorKernels.js';
import { VectorMemory } from '../vectors/vectorMemory.js';

export class TrainingState {
  readonly model: ModelState;
  readonly velocity: Float32Array; // (parameterCount)
  /** Where a step's gradients are summed. */
  readonly gradientBuffers: GradientBuffers;
  private version = 0;
  private published: Broadcast<Parameters> | undefined;

  /** Takes copies, into the memory that the optimizer computes in. */
  private constructor(
    { parameters, statistics }: ModelState,
    velocity: Float32Array,
    public progress: TrainingProgress,
  ) {
    const memory = new VectorMemory();
    this.model = { parameters: memory.holding(parameters), statistics: statistics.slice() };
    this.velocity = memory.holding(velocity);
    this.gradientBuffers = new GradientBuffers(memory);
  }

  static fresh(model: Model, seed: number): TrainingState {
    const velocity = new Float32Array(model.layout.parameterCount);
    return new TrainingState(initialiseModel(model, seed), velocity, freshProgress());
  }

  static from({ state, velocity, progress }: Checkpoint): TrainingState {
    return new TrainingState(state, velocity, progress);
  }

  /** The current weights as one message for all nodes; valid until the next update. */
  broadcast(): Broadcast<Parameters> {
    return (this.published ??= broadcastOf(this.model, this.version));
  }

  /** One optimizer step: the only place where the weights change. Gives the total back to `gradientBuffers`. */
  update(total: GradientLeaf, lr: number, options: SgdOptions, rules?: TensorRules): void {
    applySgd(this.model.parameters, this.velocity, total, lr, options, rules);
    mergeStatistics(this.model, total, rules);
    this.gradientBuffers.giveBack(total);
    this.nextVersion();
  }

  /** Whether all that a checkpoint would hold is a number. */
  isFinite(): boolean {
    const { parameters, statistics } = this.model;
    return [parameters, statistics, this.velocity].every(allFinite);
  }

  /** A copy of the weights that later updates leave alone. */
  snapshot(): ModelState {
    return { parameters: this.model.parameters.slice(), statistics: this.model.statistics.slice() };
  }

  /** Puts an earlier snapshot back. */
  restore(snapshot: ModelState): void {
    this.model.parameters.set(snapshot.parameters);
    this.model.statistics.set(snapshot.statistics);
    this.nextVersion();
  }

  private nextVersion(): void {
    this.version++;
    this.published = undefined;
  }
}

/** Views, not copies: the vectors must not change while the broadcast is in use. */
export function broadcastOf(state: ModelState, version: number): Broadcast<Parameters> {
  return new Broadcast({
    type: 'parameters',
    version,
    parameters: littleEndianBytes(state.parameters),
    statistics: littleEndianBytes(state.statistics),
  });
}
