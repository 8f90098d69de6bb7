/** One open device with everything allocated on it. When the device is lost, the session is over. */

import { describeError, LockstepError } from '../../../foundation/errors.js';
import type { Precision } from '../../engine.js';
import type { Dispatch } from '../kernels/kernelSource.js';
import { matrixFeatures } from './matrixFeatures.js';
import type { WorkgroupLimits } from '../kernels/limits.js';

const STORAGE_COPY = 0x80 | 0x04 | 0x08; // GPUBufferUsage STORAGE | COPY_SRC | COPY_DST
const READ_BACK = 0x01 | 0x08; // MAP_READ | COPY_DST
const STAGING = 0x02 | 0x04; // MAP_WRITE | COPY_SRC
const VECTOR_BYTES = 16;
const COMPUTE_STAGE = 0x4; // GPUShaderStage.COMPUTE

/** Raised to the adapter's maximum: large micro-batches and large tiles need it. */
const RAISED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

export class Session {
  private static readonly openSessions = new Set<Session>();
  /** Set when the device is lost; nothing works from then on. */
  lost: string | undefined;
  /** The first error that was not reported by a call. */
  private failure: string | undefined;
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly buffers = new Set<GPUBuffer>();

  private constructor(readonly device: GPUDevice) {
    Session.openSessions.add(this);
    void device.lost.then(({ reason, message }) => {
      this.lost = message || reason || 'no reason given';
    });
    device.addEventListener('uncapturederror', (event) => {
      this.failure ??= event.error.message;
    });
  }

  /** @throws LockstepError E_ENGINE_UNAVAILABLE if half precision is requested and the device does not have it */
  static async open(adapter: GPUAdapter, precision: Precision = 'f32'): Promise<Session> {
    const requiredLimits = Object.fromEntries(RAISED_LIMITS.map((limit) => [limit, adapter.limits[limit]]));
    const feature: GPUFeatureName = 'timestamp-query';
    const requiredFeatures: GPUFeatureName[] = adapter.features.has(feature) ? [feature] : [];
    if (precision === 'f16') requiredFeatures.push(...matrixFeatures(adapter));
    return new Session(await adapter.requestDevice({ requiredLimits, requiredFeatures }));
  }

  get bindingLimit(): number {
    return this.device.limits.maxStorageBuffersPerShaderStage;
  }

  get workgroupLimits(): WorkgroupLimits {
    const { limits } = this.device;
    return {
      vectors: Math.floor(limits.maxComputeWorkgroupStorageSize / VECTOR_BYTES),
      threads: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    };
  }

  /** Memory held by all open sessions of this thread. */
  static get memoryInUse(): { sessions: number; buffers: number; bytes: number } {
    const buffers = [...Session.openSessions].flatMap((session) => [...session.buffers]);
    const bytes = buffers.reduce((total, { size }) => total + size, 0);
    return { sessions: Session.openSessions.size, buffers: buffers.length, bytes };
  }

  /** @param length float32 elements @throws LockstepError E_ENGINE_FAILED above the device's limit */
  storageBuffer(label: string, length: number): GPUBuffer {
    return this.buffer(label, length, STORAGE_COPY);
  }

  readBackBuffer(length: number): GPUBuffer {
    return this.buffer('read-back', length, READ_BACK);
  }

  /** Mapped, for the host to write to. */
  stagingBuffer(length: number): GPUBuffer {
    return this.buffer('staging', length, STAGING, true);
  }

  private buffer(label: string, length: number, usage: number, mappedAtCreation = false): GPUBuffer {
    const size = length * Float32Array.BYTES_PER_ELEMENT;
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (size > most) {
      throw new LockstepError(
        'E_ENGINE_FAILED',
        `a buffer of ${size} bytes (${label}) is above this adapter's limit of ${most}; use smaller micro-batches`,
      );
    }
    const buffer = this.device.createBuffer({ label, size, usage, mappedAtCreation });
    this.buffers.add(buffer);
    return buffer;
  }

  free(buffers: readonly GPUBuffer[]): void {
    for (const buffer of buffers) {
      this.buffers.delete(buffer);
      buffer.destroy();
    }
  }

  /** Compiled once per source text. */
  pipeline(dispatch: Dispatch): Promise<GPUComputePipeline> {
    const key = dispatch.code;
    const known = this.pipelines.get(key);
    if (known !== undefined) return known;
    const module = this.device.createShaderModule({ label: dispatch.label, code: dispatch.code });
    const layout = this.device.createPipelineLayout({ bindGroupLayouts: [this.layoutOf(dispatch)] });
    const created = this.device.createComputePipelineAsync({
      label: dispatch.label,
      layout,
      compute: { module, entryPoint: 'main' },
    });
    created.catch(() => this.pipelines.delete(key));
    this.pipelines.set(key, created);
    return created;
  }

  layoutOf({ bindings }: Dispatch): GPUBindGroupLayout {
    const key = bindings.map(({ access }) => access).join();
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      layout = this.device.createBindGroupLayout({
        entries: bindings.map(({ access }, binding) => ({
          binding,
          visibility: COMPUTE_STAGE,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      });
      this.layouts.set(key, layout);
    }
    return layout;
  }

  /** Runs `create`, and throws the device's error if there is one. */
  async checked<Result>(what: string, create: () => Promise<Result>): Promise<Result> {
    const filters: GPUErrorFilter[] = ['validation', 'out-of-memory', 'internal'];
    for (const filter of filters) this.device.pushErrorScope(filter);
    let result: Result | undefined;
    let thrown: unknown;
    try {
      result = await create();
    } catch (error) {
      thrown = error;
    }
    const reports = await Promise.all(filters.map(() => this.device.popErrorScope().catch(() => null)));
    if (thrown instanceof LockstepError) throw thrown;
    const report = reports.find((candidate) => candidate !== null);
    if (report === undefined && thrown === undefined) return result as Result;
    const isMemory = reports[1] !== null;
    const remedy = isMemory ? '; use smaller micro-batches or fewer workers' : '';
    throw this.failed(`${what}: ${report?.message ?? describeError(thrown)}${remedy}`, thrown);
  }

  /** @throws LockstepError E_ENGINE_FAILED if an error has not been reported yet */
  throwIfFailed(): void {
    if (this.lost !== undefined) throw this.failed(`the device was lost: ${this.lost}`);
    if (this.failure === undefined) return;
    const failure = this.failure;
    this.failure = undefined;
    throw this.failed(failure);
  }

  failed(reason: string, cause?: unknown): LockstepError {
    return new LockstepError('E_ENGINE_FAILED', `engine webgpu failed: ${reason}`, { cause });
  }

  dispose(): void {
    Session.openSessions.delete(this);
    this.free([...this.buffers]);
    this.pipelines.clear();
    this.layouts.clear();
    this.device.destroy();
  }
}
