/** The engine on any backend of tfjs: uploads, runs the passes, reads back, frees. */

import { describeError, LockstepError } from '../../foundation/errors.js';
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
import type { OpenBackend, Tensor1D, Tensor4D } from './backend.js';
import { runBackward } from './backward.js';
import { exclusively, selectBackend } from './exclusive.js';
import { runForward } from './forward.js';
import { packOutput, unpackEvaluation, unpackGradient } from './output.js';
import type { Pass, PassMode } from './pass.js';
import { UploadedVector } from './uploadedVector.js';

export class TfjsEngine implements Engine {
  private readonly parameters: UploadedVector;
  private readonly statistics: UploadedVector;
  private disposed = false;

  constructor(
    private readonly model: Model,
    private readonly backend: OpenBackend,
  ) {
    this.parameters = new UploadedVector(backend.tf, model.layout.parameters);
    this.statistics = new UploadedVector(backend.tf, model.layout.statistics);
  }

  get description(): EngineDescription {
    return this.backend.description;
  }

  /** @throws LockstepError E_ENGINE_FAILED */
  async gradient(state: VersionedState, batch: MicroBatch, dropoutKey: RandomKey): Promise<GradientResult> {
    const { tf, operations } = this.backend;
    const values = await this.compute(state, batch, { kind: 'training', dropoutKey }, (pass) => {
      const record = runForward(pass);
      const logitGradient = operations.logitGradient(record.logits, batch);
      return packOutput(tf, this.model, record, runBackward(pass, record, logitGradient));
    });
    return unpackGradient(this.model, batch, values, operations.normaliser.varianceDivisor);
  }

  /** @throws LockstepError E_ENGINE_FAILED */
  async evaluate(
    state: VersionedState,
    batch: MicroBatch,
    statistics: EvaluationStatistics,
  ): Promise<EvaluationResult> {
    const mode: PassMode = { kind: 'evaluation', statistics };
    const logits = await this.compute(state, batch, mode, (pass) => {
      const { logits } = runForward(pass);
      return this.backend.tf.reshape(logits, [logits.size]) as Tensor1D;
    });
    return unpackEvaluation(this.model, batch, logits);
  }

  dispose(): void {
    this.disposed = true;
    this.parameters.dispose();
    this.statistics.dispose();
  }

  /** Runs one pass with this engine's backend selected, and reads its flat result back. */
  private compute(
    state: VersionedState,
    batch: MicroBatch,
    mode: PassMode,
    run: (pass: Pass) => Tensor1D,
  ): Promise<Float32Array> {
    return exclusively(async () => {
      this.checkCall(state, batch);
      const { tf, registeredName } = this.backend;
      try {
        selectBackend(tf, registeredName);
        this.upload(state, mode);
        const result = tf.tidy(() => run(this.startPass(batch, mode)));
        const values = await result.data<'float32'>();
        result.dispose();
        return values;
      } catch (error) {
        if (error instanceof LockstepError) throw error;
        const { name } = this.description;
        throw new LockstepError(
          'E_ENGINE_FAILED',
          `engine ${name} failed on a micro-batch of ${batch.labels.length}: ${describeError(error)}; ` +
            'use smaller micro-batches or another engine',
          { cause: error },
        );
      }
    });
  }

  private upload(state: VersionedState, mode: PassMode): void {
    this.parameters.update(state.parameters, state.version);
    const readsStatistics = mode.kind === 'evaluation' && mode.statistics === 'running';
    if (readsStatistics) this.statistics.update(state.statistics, state.version);
  }

  private startPass(batch: MicroBatch, mode: PassMode): Pass {
    const { tf, operations } = this.backend;
    const { height, width, channels } = this.model.inputShape;
    const images: Tensor4D = tf.tensor4d(batch.images, [batch.labels.length, height, width, channels]);
    return {
      tf,
      operations,
      model: this.model,
      mode,
      images,
      parameter: (spec) => this.parameters.tensorOf(spec),
      statistic: (spec) => this.statistics.tensorOf(spec),
    };
  }

  private checkCall(state: VersionedState, batch: MicroBatch): void {
    if (this.disposed) throw new LockstepError('E_ENGINE_FAILED', 'the engine was used after dispose()');
    checkBatch(this.model, state, batch);
  }
}
