/** The engine: plans recorded on a device, behind the interface that workers use. */

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
  PixelBatch,
  PixelEngine,
  Targets,
  VersionedState,
} from '../engine.js';
import { softmaxCrossEntropy } from '../softmaxCrossEntropy.js';
import { OpenDevice } from './openDevice.js';
import type { PlanTuning } from './openDevice.js';
import { DeviceLayout } from './plan/deviceLayout.js';
import type { PassKind } from './plan/forward.js';
import type { RecordedPlan } from './recordedPlan.js';
import type { Session } from './dawn/session.js';

export interface WebgpuEngineOptions extends PlanTuning {
  readonly description: EngineDescription;
  readonly openSession: () => Promise<Session>;
}

export class WebgpuEngine implements Engine {
  readonly description: EngineDescription;
  readonly fromPixels: PixelEngine = this;
  closed: Promise<unknown> | undefined;
  private readonly layout: DeviceLayout;
  private open: OpenDevice | undefined;
  private isDisposed = false;
  /** The session opened last, after a device was lost. */
  private reopening: Promise<Session> | undefined;
  private lastInLine: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: Model,
    private readonly options: WebgpuEngineOptions,
    session: Session,
  ) {
    this.description = options.description;
    this.layout = new DeviceLayout(model);
    this.open = this.openOn(session);
  }

  gradient(
    state: VersionedState,
    batch: MicroBatch | PixelBatch,
    dropoutKey: RandomKey,
    into?: Float32Array,
  ): Promise<GradientResult> {
    return this.compute('training', state, batch, (recorded) =>
      recorded.runAndRead(batch, dropoutKey, ([logits, gradient, channels]) => ({
        ...this.loss(logits!, batch),
        ...this.layout.unpack(gradient!, channels!, into),
      })),
    );
  }

  evaluate(
    state: VersionedState,
    batch: MicroBatch | PixelBatch,
    statistics: EvaluationStatistics,
  ): Promise<EvaluationResult> {
    return this.compute(statistics, state, batch, (recorded) =>
      recorded.runAndRead(batch, undefined, ([logits]) => this.loss(logits!, batch)),
    );
  }

  /** Returns the recorded plan of a gradient and its device, for profiles and tests. */
  withPlan<Result>(
    state: VersionedState,
    batch: MicroBatch | PixelBatch,
    use: (recorded: RecordedPlan, session: Session) => Promise<Result>,
  ): Promise<Result> {
    return this.compute('training', state, batch, use);
  }

  dispose(): void {
    this.isDisposed = true;
    this.closed ??= this.open?.session.device.lost ?? this.closedLate();
    this.open?.dispose();
    this.open = undefined;
  }

  /** One micro-batch at a time: they share the device's buffers. */
  private compute<Result>(
    kind: PassKind,
    state: VersionedState,
    batch: MicroBatch | PixelBatch,
    use: (recorded: RecordedPlan, session: Session) => Promise<Result>,
  ): Promise<Result> {
    const turn = this.lastInLine.then(async () => {
      checkBatch(this.model, state, batch);
      const open = await this.device();
      try {
        await open.upload(state, kind === 'running');
        const inputKind = 'images' in batch ? 'images' : 'pixels';
        const recorded = await open.planFor(kind, batch.labels.length, inputKind);
        const result = await use(recorded, open.session);
        open.session.throwIfFailed();
        return result;
      } catch (error) {
        open.forgetUploads();
        throw this.explain(open, error);
      } finally {
        await open.settled();
      }
    });
    this.lastInLine = turn.catch(() => undefined);
    return turn;
  }

  /** The open device; a new one after the last was lost. */
  private async device(): Promise<OpenDevice> {
    this.refuseIfDisposed();
    if (this.open?.session.lost !== undefined) {
      this.open.dispose();
      this.open = undefined;
    }
    this.open ??= this.openOn(await this.reopen());
    return this.open;
  }

  /** The engine may be disposed of meanwhile; then the new device is closed at once. */
  private async reopen(): Promise<Session> {
    this.reopening = this.options.openSession();
    const session = await this.reopening;
    if (this.isDisposed) session.dispose();
    this.refuseIfDisposed();
    return session;
  }

  /** For `closed`, if the device is being opened again. */
  private closedLate(): Promise<unknown> | undefined {
    return this.reopening?.then(
      ({ device }) => device.lost,
      () => undefined,
    );
  }

  private refuseIfDisposed(): void {
    if (!this.isDisposed) return;
    throw new LockstepError('E_ENGINE_FAILED', 'the webgpu engine is used after dispose(); load a new one');
  }

  private openOn(session: Session): OpenDevice {
    try {
      return new OpenDevice(session, this.model, this.layout, this.options);
    } catch (error) {
      session.dispose(); // the weights do not fit, and nothing else would close the device
      throw error;
    }
  }

  /** If the device is lost, the micro-batch fails and goes to another worker. The device's reason is reported first. */
  private explain({ session }: OpenDevice, error: unknown): unknown {
    try {
      session.throwIfFailed();
    } catch (told) {
      return told;
    }
    if (error instanceof LockstepError) return error;
    return session.failed(describeError(error), error);
  }

  /** In float64, from logits whose rows are padded to quads. */
  private loss(padded: Float32Array, targets: Targets): EvaluationResult {
    const { labels } = targets;
    const { classCount } = this.model;
    const rowLength = padded.length / labels.length;
    const logits = new Float32Array(labels.length * classCount);
    for (let image = 0; image < labels.length; image++) {
      logits.set(padded.subarray(image * rowLength, image * rowLength + classCount), image * classCount);
    }
    const { lossSum, correct } = softmaxCrossEntropy(logits, targets, classCount);
    return { sampleCount: labels.length, lossSum, correct, logits };
  }
}
