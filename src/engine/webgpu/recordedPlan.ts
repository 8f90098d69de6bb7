/** A plan on a device: its buffers, pipelines and bind groups are made once; a micro-batch is one submission. */

import type { RandomKey } from '../../foundation/random.js';
import type { MicroBatch, PixelBatch } from '../engine.js';
import type { Session } from './dawn/session.js';
import type { Workgroups } from './kernels/grid.js';
import type { Dispatch, Range, Storage } from './kernels/kernelSource.js';
import type { DevicePlan } from './plan/devicePlan.js';
import { assignBuffers } from './plan/memory.js';
import { fillInput } from './fillInput.js';
import type { KernelTimer } from './kernelTimer.js';
import { Staging } from './staging.js';

interface Command {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: Workgroups;
}

/** Buffers that outlive plans: parameters, coefficients. */
export type SharedBuffers = ReadonlyMap<Storage, GPUBuffer>;

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

export class RecordedPlan {
  /** The commands of the next micro-batch, encoded while the GPU computes the one before. */
  private prepared: GPUCommandBuffer | undefined;

  private constructor(
    private readonly session: Session,
    readonly plan: DevicePlan,
    private readonly commands: readonly Command[],
    private readonly bufferOf: (range: Range) => GPUBuffer,
    private readonly owned: readonly GPUBuffer[],
    private readonly readBack: GPUBuffer,
    private readonly staging: Staging,
  ) {}

  /** @throws LockstepError E_ENGINE_FAILED if the device has no memory for it; nothing is kept then */
  static async record(session: Session, plan: DevicePlan, shared: SharedBuffers): Promise<RecordedPlan> {
    const { lengths, bufferOf } = assignBuffers(plan, new Set(shared.keys()));
    const owned: GPUBuffer[] = [];
    let staging: Staging | undefined;
    const find = ({ storage }: Range): GPUBuffer => shared.get(storage) ?? owned[bufferOf.get(storage)!]!;
    try {
      return await session.checked('making a plan', async () => {
        lengths.forEach((length, index) => owned.push(session.storageBuffer(`buffer ${index}`, length)));
        const readBack = session.readBackBuffer(outputLength(plan));
        owned.push(readBack);
        staging = new Staging(session, plan.input.whole.length);
        const record = (dispatch: Dispatch): Promise<Command> => commandOf(session, dispatch, find);
        const recording = plan.dispatches.map(record);
        // If one is refused, no other may still be compiling: see `Staging.settled`.
        await Promise.allSettled(recording);
        const commands = await Promise.all(recording);
        return new RecordedPlan(session, plan, commands, find, owned, readBack, staging);
      });
    } catch (error) {
      session.free(owned);
      staging?.dispose();
      throw error;
    }
  }

  /** @returns one array for each of the plan's outputs; they belong to the caller */
  run(
    batch: MicroBatch | PixelBatch,
    dropoutKey: RandomKey | undefined,
    timer?: KernelTimer,
  ): Promise<Float32Array[]> {
    const copy = (outputs: readonly Float32Array[]): Float32Array[] =>
      outputs.map((output) => output.slice());
    return this.runAndRead(batch, dropoutKey, copy, timer);
  }

  /** @param read gets one array for each of the plan's outputs, in memory that is released when it returns */
  async runAndRead<Result>(
    batch: MicroBatch | PixelBatch,
    dropoutKey: RandomKey | undefined,
    read: (outputs: readonly Float32Array[]) => Result,
    timer?: KernelTimer,
  ): Promise<Result> {
    const { session, plan, readBack, staging } = this;
    const commands = timer === undefined ? (this.prepared ?? this.encodeAll()) : this.encodeAll(timer);
    if (timer === undefined) this.prepared = undefined;
    try {
      await staging.write((memory) => fillInput(memory, plan.input, batch, dropoutKey));
      session.device.queue.submit([commands]);
      staging.sent();
      this.prepared ??= this.encodeAll();
      await readBack.mapAsync(1); // GPUMapMode.READ
      try {
        const values = new Float32Array(readBack.getMappedRange());
        let start = 0;
        return read(plan.outputs.map(({ length }) => values.subarray(start, (start += length))));
      } finally {
        readBack.unmap();
      }
    } finally {
      await staging.settled();
    }
  }

  /** All commands of a micro-batch, to be submitted once. */
  private encodeAll(timer?: KernelTimer): GPUCommandBuffer {
    const { plan, readBack, staging } = this;
    const encoder = this.session.device.createCommandEncoder();
    staging.recordCopy(this.bufferOf(plan.input.whole), encoder);
    if (timer === undefined) this.encode(encoder);
    else if (timer.granularity === 'kernel') this.encodeTimed(encoder, timer);
    else this.encodeTimedAsOne(encoder, timer);
    let end = 0;
    for (const range of plan.outputs) {
      const size = range.length * FLOAT_BYTES;
      encoder.copyBufferToBuffer(this.bufferOf(range), range.offset * FLOAT_BYTES, readBack, end, size);
      end += size;
    }
    return encoder.finish();
  }

  private encode(encoder: GPUCommandEncoder, descriptor: GPUComputePassDescriptor = {}): void {
    const pass = encoder.beginComputePass(descriptor);
    let current: GPUComputePipeline | undefined;
    for (const { pipeline, bindGroup, workgroups } of this.commands) {
      if (pipeline !== current) pass.setPipeline(pipeline);
      current = pipeline;
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
  }

  private encodeTimedAsOne(encoder: GPUCommandEncoder, timer: KernelTimer): void {
    timer.begin(['all kernels']);
    this.encode(encoder, { timestampWrites: timer.writesOf(0) });
    timer.end(encoder);
  }

  private encodeTimed(encoder: GPUCommandEncoder, timer: KernelTimer, commands = this.commands): void {
    timer.begin(commands.map(({ label }) => label));
    commands.forEach(({ pipeline, bindGroup, workgroups }, index) => {
      const pass = encoder.beginComputePass({ timestampWrites: timer.writesOf(index) });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
      pass.end();
    });
    timer.end(encoder);
  }

  /** Computes with the upload of the last run, `repetitions` times without the timer and then once with it. */
  async timeAgain(repetitions: number, timer: KernelTimer): ReturnType<KernelTimer['read']> {
    const { device } = this.session;
    const encoder = device.createCommandEncoder();
    for (let repetition = 0; repetition < repetitions; repetition++) this.encode(encoder);
    // Some drivers start to time a kernel before the previous one has ended; so that one must be short, not a whole pass.
    this.encodeTimed(encoder, timer, [...this.commands.slice(-1), ...this.commands]);
    device.queue.submit([encoder.finish()]);
    const [, ...times] = await timer.read();
    return times;
  }

  dispose(): void {
    this.staging.dispose();
    this.session.free(this.owned);
  }
}

async function commandOf(
  session: Session,
  dispatch: Dispatch,
  bufferOf: (range: Range) => GPUBuffer,
): Promise<Command> {
  const { label, workgroups, bindings } = dispatch;
  const pipeline = await session.pipeline(dispatch);
  const entries = bindings.map(({ range }, binding) => {
    const [offset, size] = [range.offset * FLOAT_BYTES, range.length * FLOAT_BYTES];
    return { binding, resource: { buffer: bufferOf(range), offset, size } };
  });
  const bindGroup = session.device.createBindGroup({ layout: session.layoutOf(dispatch), entries });
  return { label, pipeline, bindGroup, workgroups };
}

function outputLength({ outputs }: DevicePlan): number {
  return outputs.reduce((total, { length }) => total + length, 0);
}
