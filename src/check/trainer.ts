/** Trains on batches at hand, on this thread, by the sums and the optimizer of a run. */

import { tensorRulesOf, TreeReduction } from '../coordinator/index.js';
import type { TensorRules, TrainingState } from '../coordinator/index.js';
import type { Engine, EvaluationResult, MicroBatch } from '../engine/index.js';
import type { Model } from '../model/index.js';
import { NO_DROPOUT_SEED } from './computing/probe.js';
import type { Workbench } from './workbench.js';

export interface TrainerOptions {
  readonly weightDecay?: number;
}

export interface TrainerStep {
  readonly gradientSum: Float32Array;
  /** Mean over the samples, before the update. */
  readonly loss: number;
}

const MOMENTUM = 0.9;
/** Whatever the recipe's optimizer is. */
const PLAIN_SGD = {
  shiftLrFactor: 1,
  decayOn: 'all',
  optimizer: 'sgd',
  lr: 1,
  muonLr: 1,
  muonMomentum: 0,
} as const;

export class Trainer {
  private constructor(
    private readonly bench: Workbench,
    private readonly engine: Engine,
    readonly state: TrainingState,
    private readonly rules: TensorRules,
    private readonly weightDecay: number,
  ) {}

  /** From the weights that a run would begin with. */
  static async start(
    bench: Workbench,
    model: Model,
    { weightDecay = 0 }: TrainerOptions = {},
  ): Promise<Trainer> {
    const rules = tensorRulesOf(model, PLAIN_SGD);
    const engine = await bench.engineFor(model);
    return new Trainer(bench, engine, bench.freshState(model), rules, weightDecay);
  }

  /** One step on all the micro-batches together. */
  async step(batches: readonly MicroBatch[], lr: number): Promise<TrainerStep> {
    const { state, bench } = this;
    const version = bench.versioned(state.model);
    const reduction = new TreeReduction(batches.length, state.gradientBuffers);
    let lossSum = 0;
    for (const [place, batch] of batches.entries()) {
      await new Promise(setImmediate);
      bench.signal.throwIfAborted();
      const { sampleCount, gradientSum, batchStatistics, ...result } = await this.engine.gradient(
        version,
        batch,
        NO_DROPOUT_SEED,
      );
      lossSum += result.lossSum;
      reduction.add(place, {
        sampleCount,
        gradientSum,
        statisticSum: batchStatistics.map((value) => value * sampleCount),
      });
    }
    const total = reduction.result();
    const gradientSum = total.gradientSum.slice();
    const { sampleCount } = total;
    const sgd = { momentum: MOMENTUM, weightDecay: this.weightDecay, nesterov: false };
    state.update(total, { lr, sgd, rules: this.rules });
    return { gradientSum, loss: lossSum / sampleCount };
  }

  /** With the statistics of each batch, as in training, but without its noise. */
  async evaluate(batches: readonly MicroBatch[]): Promise<Omit<EvaluationResult, 'logits'>> {
    const version = this.bench.versioned(this.state.model);
    let [lossSum, correct, sampleCount] = [0, 0, 0];
    for (const batch of batches) {
      const result = await this.engine.evaluate(version, batch, 'batch');
      lossSum += result.lossSum;
      correct += result.correct;
      sampleCount += result.sampleCount;
    }
    return { lossSum, correct, sampleCount };
  }
}
