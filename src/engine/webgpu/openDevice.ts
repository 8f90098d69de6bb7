/** An open device with a model on it: the weights, and the plans of the micro-batch sizes used last. */

import type { Model, ModelState } from '../../model/index.js';
import type { Precision, VersionedState } from '../engine.js';
import type { Session } from './dawn/session.js';
import type { WorkgroupLimits } from './kernels/limits.js';
import { SUBGROUP_MATRICES } from './kernels/matrixOperations.js';
import type { MatrixOperations } from './kernels/matrixOperations.js';
import type { DeviceLayout } from './plan/deviceLayout.js';
import { planPass } from './plan/devicePlan.js';
import type { PassKind } from './plan/forward.js';
import type { InputKind } from './plan/passInput.js';
import type { Tiles } from './plan/tiles.js';
import { RecordedPlan } from './recordedPlan.js';
import { Staging } from './staging.js';

/** A run has one micro-batch size, one evaluation size, and a smaller last one of each. */
const PLANS_KEPT = 4;

export interface PassSize {
  readonly kind: PassKind;
  readonly imageCount: number;
  readonly layout: DeviceLayout;
  readonly bindingLimit: number;
}

/** Chooses the tiles of a pass. The tuner is one; tests use others. */
export interface TileSource {
  tilesFor(size: PassSize, limits: WorkgroupLimits): Promise<Tiles>;
}

export interface PlanTuning {
  readonly tiles?: Tiles | undefined;
  /** Gives the tiles, if `tiles` does not. */
  readonly tuner?: TileSource | undefined;
  /** Storage buffers of a kernel, at most; and at most what the device allows. */
  readonly bindingLimit?: number | undefined;
  /** Of convolutions' operands; float32 if left out. */
  readonly precision?: Precision | undefined;
  /** What computes half-precision products instead of the device's matrix units; for tests. */
  readonly matrices?: MatrixOperations | undefined;
}

export class OpenDevice {
  private readonly parameters: GPUBuffer;
  private readonly parameterStaging: Staging;
  private readonly runningCoefficients: GPUBuffer;
  private readonly plans = new Map<string, RecordedPlan>();
  private uploadedParameters: number | undefined;
  private uploadedCoefficients: number | undefined;

  constructor(
    readonly session: Session,
    private readonly model: Model,
    private readonly layout: DeviceLayout,
    private readonly tuning: PlanTuning,
  ) {
    this.parameters = session.storageBuffer('parameters', layout.parameters.length);
    this.parameterStaging = new Staging(session, layout.parameters.length);
    this.runningCoefficients = session.storageBuffer(
      'running coefficients',
      layout.runningCoefficients.length,
    );
  }

  /** Uploads weights to the device, once per version. */
  async upload(state: VersionedState, needsCoefficients: boolean): Promise<void> {
    if (this.uploadedParameters !== state.version) {
      await this.writeParameters(state);
      this.uploadedParameters = state.version;
    }
    if (needsCoefficients && this.uploadedCoefficients !== state.version) {
      this.writeCoefficients(state);
      this.uploadedCoefficients = state.version;
    }
  }

  /** After a failure it is unknown which part of an upload arrived: the next micro-batch uploads everything again. */
  forgetUploads(): void {
    this.uploadedParameters = undefined;
    this.uploadedCoefficients = undefined;
  }

  private async writeParameters({ parameters }: ModelState): Promise<void> {
    const { device } = this.session;
    const encoder = device.createCommandEncoder();
    this.parameterStaging.recordCopy(this.parameters, encoder);
    await this.parameterStaging.write((memory) =>
      this.layout.packParameters(parameters, new Float32Array(memory)),
    );
    device.queue.submit([encoder.finish()]);
    this.parameterStaging.sent();
  }

  /** See `Staging.settled`. */
  settled(): Promise<void> {
    return this.parameterStaging.settled();
  }

  private writeCoefficients(state: ModelState): void {
    const packed = this.layout.packRunningCoefficients(state);
    this.session.device.queue.writeBuffer(this.runningCoefficients, 0, packed);
  }

  async planFor(kind: PassKind, imageCount: number, inputKind: InputKind = 'images'): Promise<RecordedPlan> {
    const key = `${kind} ${imageCount} ${inputKind}`;
    const known = this.plans.get(key);
    this.plans.delete(key);
    if (known === undefined) this.makeRoom();
    const plan = known ?? (await this.record(kind, imageCount, inputKind));
    this.plans.set(key, plan); // the last entry is the one used last
    return plan;
  }

  private makeRoom(): void {
    if (this.plans.size < PLANS_KEPT) return;
    const [oldest] = this.plans;
    this.plans.delete(oldest![0]);
    oldest![1].dispose();
  }

  private async record(kind: PassKind, imageCount: number, inputKind: InputKind): Promise<RecordedPlan> {
    const { model, layout, session, tuning } = this;
    const bindingLimit = Math.min(session.bindingLimit, tuning.bindingLimit ?? Infinity);
    const pass = { kind, imageCount, layout, bindingLimit };
    const tiles = tuning.tiles ?? (await tuning.tuner?.tilesFor(pass, session.workgroupLimits));
    const operations = tuning.matrices ?? (tuning.precision === 'f16' ? SUBGROUP_MATRICES : undefined);
    const matrices = operations && { operations, limits: session.workgroupLimits };
    const plan = planPass({ model, layout, kind, imageCount, bindingLimit, tiles, inputKind, matrices });
    return RecordedPlan.record(
      session,
      plan,
      new Map([
        [layout.parameters.storage, this.parameters],
        [layout.runningCoefficients.storage, this.runningCoefficients],
      ]),
    );
  }

  /** Frees everything it holds, but keeps the session open. */
  release(): void {
    for (const plan of this.plans.values()) plan.dispose();
    this.plans.clear();
    this.parameterStaging.dispose();
    this.session.free([this.parameters, this.runningCoefficients]);
  }

  dispose(): void {
    this.plans.clear();
    this.session.dispose();
  }
}
