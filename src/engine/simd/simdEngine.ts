/** The engine: a compiled plan behind the interface that workers use. */

import { LockstepError } from '../../foundation/errors.js';
import type { RandomKey } from '../../foundation/random.js';
import type { Model } from '../../model/index.js';
import { checkBatch } from '../checkBatch.js';
import type {
  Engine,
  EngineDescription,
  EvaluationResult,
  EvaluationStatistics,
  GradientResult,
  MicroBatch,
  VersionedState,
} from '../engine.js';
import { processorName } from '../host.js';
import type { KernelObserver } from './kernels/library.js';
import type { Numerics } from './numerics.js';
import { Plan } from './plan/plan.js';

export class SimdEngine implements Engine {
  readonly description: EngineDescription;
  private plan: Plan | undefined;
  private preparedVersion: number | undefined;

  private constructor(
    private readonly model: Model,
    plan: Plan,
    { numericsClass }: Numerics,
  ) {
    this.plan = plan;
    this.description = {
      name: 'simd',
      device: `${processorName()}, 1 thread`,
      numericsClass,
      exact: true,
      versions: { kernels: numericsClass },
    };
  }

  static async load(model: Model, numerics: Numerics, observe?: KernelObserver): Promise<SimdEngine> {
    return new SimdEngine(model, await Plan.compile(model, numerics.arithmetic, observe), numerics);
  }

  /** Bytes of the engine's one memory: weights, scratch, and activations of the largest micro-batch so far. */
  get arenaBytes(): number {
    return this.plan?.byteLength ?? 0;
  }

  gradient(
    state: VersionedState,
    batch: MicroBatch,
    dropoutKey: RandomKey,
    into: Float32Array = new Float32Array(state.parameters.length),
  ): Promise<GradientResult> {
    return this.compute(state, batch, (plan) => plan.gradient(state, batch, dropoutKey, into));
  }

  evaluate(
    state: VersionedState,
    batch: MicroBatch,
    statistics: EvaluationStatistics,
  ): Promise<EvaluationResult> {
    return this.compute(state, batch, (plan) => plan.evaluate(state, batch, statistics));
  }

  dispose(): void {
    this.plan = undefined;
  }

  private compute<Result>(
    state: VersionedState,
    batch: MicroBatch,
    run: (plan: Plan) => Result,
  ): Promise<Result> {
    return new Promise((resolve) => {
      const plan = this.prepare(state, batch);
      resolve(run(plan));
    });
  }

  /** The plan, ready to compute with the state. An error thrown here rejects the caller's promise. */
  private prepare(state: VersionedState, batch: MicroBatch): Plan {
    const { plan } = this;
    if (plan === undefined) {
      throw new LockstepError('E_ENGINE_FAILED', 'the simd engine is used after dispose(); load a new one');
    }
    checkBatch(this.model, state, batch);
    if (state.version !== this.preparedVersion) {
      plan.prepareWeights(state);
      this.preparedVersion = state.version;
    }
    return plan;
  }
}
