/** The first steps of a run as `train` makes them: on threads, with the real plan, sums and optimizer; nothing is saved. */

import {
  computeGradient,
  Fleet,
  tensorRulesOf,
  TrainingState,
  vectorMemoriesFor,
  welcomeFor,
} from '../../coordinator/index.js';
import { planEpoch } from '../../data/index.js';
import type { StepPlan } from '../../data/index.js';
import { digestState } from '../../model/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { startLocalNode } from '../../worker/index.js';
import type { LocalNode } from '../../worker/index.js';
import type { Subject } from '../subject.js';

export interface FleetStep {
  /** Mean over the step's samples, before its update. */
  readonly loss: number;
  readonly samples: number;
  readonly seconds: number;
}

const WAIT_TIMEOUT_MS = 60_000;

/** Whether a step ended with a loss or a gradient that is not finite: a finding, and no error of the check. */
export function hasDiverged(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'E_DIVERGED';
}

export class FleetRun {
  private epoch = 0;
  private steps: readonly StepPlan[] = [];
  private place = 0;
  private completed = 0;

  private constructor(
    private readonly subject: Subject,
    private readonly state: TrainingState,
    private readonly fleet: Fleet,
    private readonly node: LocalNode,
    private readonly signal: AbortSignal,
  ) {}

  /** @param threads of this process */
  static async start(
    { model, recipe, data, computing, initial }: Subject,
    threads: number,
    signal: AbortSignal,
  ): Promise<FleetRun> {
    const { set, split, normalisation } = data;
    const fleet = new Fleet({
      welcome: welcomeFor({ runName: 'check', model, normalisation, recipe }),
      onEvent: () => undefined,
      waitTimeoutMs: WAIT_TIMEOUT_MS,
    });
    const memories = { coordinatorMemories: vectorMemoriesFor(recipe), wire: recipe.wire };
    const node = await startLocalNode(computing.choice, threads, memories);
    fleet.admit(node.channel, { local: true });
    const images = { set, indices: split.training, normalisation };
    const state = TrainingState.fresh(model, { ...recipe, averaging: 'none' }, images, initial);
    return new FleetRun({ model, recipe, data, computing }, state, fleet, node, signal);
  }

  /**
   * One step of the run, at this rate.
   * @throws LockstepError E_DIVERGED if a loss or a gradient is not finite
   */
  async step(lr: number): Promise<FleetStep> {
    const { model, recipe, data } = this.subject;
    const startedMs = performance.now();
    const plan = this.nextPlan();
    const { total, lossSum } = await computeGradient(this.fleet, {
      recipe,
      layout: model.layout,
      set: data.set,
      step: this.completed++,
      epoch: this.epoch,
      plan,
      state: this.state.broadcastForStep(recipe.wire),
      buffers: this.state.gradientBuffers,
      signal: this.signal,
      onContribution: () => undefined,
    });
    this.state.update(total, { lr, sgd: recipe, rules: tensorRulesOf(model, recipe) });
    const samples = plan.sampleCount;
    return { loss: lossSum / samples, samples, seconds: (performance.now() - startedMs) / 1000 };
  }

  /** Of the weights now. */
  digest(): string {
    return digestState(this.state.model);
  }

  async close(): Promise<void> {
    this.fleet.end('the check has ended', { runEnded: true });
    await this.node.close();
  }

  private nextPlan(): StepPlan {
    if (this.place >= this.steps.length) {
      if (this.steps.length > 0) this.epoch++;
      const { seed, batchSize, microBatch: microBatchSize, dropLast } = this.subject.recipe;
      const { training: trainingIndices } = this.subject.data.split;
      const { epoch } = this;
      this.steps = planEpoch({ trainingIndices, seed, epoch, batchSize, microBatchSize, dropLast }).steps;
      this.place = 0;
    }
    return this.steps[this.place++]!;
  }
}
