/** A plan on a device: its buffers, pipelines and bind groups are made once; a micro-batch is one submission. */

import { dropoutMask } from '../../model/index.js';
import type { RandomKey } from '../../foundation/random.js';
import type { MicroBatch } from '../engine.js';
import type { Session } from './dawn/session.js';
import type { Dispatch, Range, Storage } from './kernels/kernelSource.js';
import type { DevicePlan } from './plan/devicePlan.js';
import { assignBuffers } from './plan/memory.js';
import type { KernelTimer } from './kernelTimer.js';

interface Command {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Buffers that outlive plans: parameters, coefficients. */
export type SharedBuffers = ReadonlyMap<Storage, GPUBuffer>;

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

export class RecordedPlan {
  private readonly staging: Float32Array<ArrayBuffer>;

  private constructor(
    private readonly session: Session,
    readonly plan: DevicePlan,
    private readonly commands: readonly Command[],
    private readonly bufferOf: (range: Range) => GPUBuffer,
    private readonly owned: readonly GPUBuffer[],
    private readonly readBack: GPUBuffer,
  ) {
    this.staging = new Float32Array(plan.input.whole.length);
  }

  /** @throws LockstepError E_ENGINE_FAILED if the device has no memory for it; nothing is kept then */
  static async record(session: Session, plan: DevicePlan, shared: SharedBuffers): Promise<RecordedPlan> {
    const { lengths, bufferOf } = assignBuffers(plan, new Set(shared.keys()));
    const owned: GPUBuffer[] = [];
    const find = ({ storage }: Range): GPUBuffer => shared.get(storage) ?? owned[bufferOf.get(storage)!]!;
    try {
      return await session.checked('making a plan', async () => {
        lengths.forEach((length, index) => owned.push(session.storageBuffer(`buffer ${index}`, length)));
        const readBack = session.readBackBuffer(outputLength(plan));
        owned.push(readBack);
        const record = (dispatch: Dispatch): Promise<Command> => commandOf(session, dispatch, find);
        const commands = await Promise.all(plan.dispatches.map(record));
        return new RecordedPlan(session, plan, commands, find, owned, readBack);
      });
    } catch (error) {
      session.free(owned);
      throw error;
    }
  }

  /** Bytes that go up and come back for a micro-batch, beside the parameters. */
  get traffic(): { uploadedBytes: number; readBackBytes: number } {
    return { uploadedBytes: this.staging.byteLength, readBackBytes: this.readBack.size };
  }

  /** @returns one array for each of the plan's outputs; views of one that is the caller's */
  async run(
    batch: MicroBatch,
    dropoutKey: RandomKey | undefined,
    timer?: KernelTimer,
  ): Promise<Float32Array[]> {
    const { session, plan, readBack } = this;
    this.fill(batch, dropoutKey);
    const { queue } = session.device;
    queue.writeBuffer(this.bufferOf(plan.input.whole), 0, this.staging);
    const encoder = session.device.createCommandEncoder();
    if (timer === undefined) this.encode(encoder);
    else if (timer.granularity === 'kernel') this.encodeTimed(encoder, timer);
    else this.encodeTimedAsOne(encoder, timer);
    let end = 0;
    for (const range of plan.outputs) {
      const size = range.length * FLOAT_BYTES;
      encoder.copyBufferToBuffer(this.bufferOf(range), range.offset * FLOAT_BYTES, readBack, end, size);
      end += size;
    }
    queue.submit([encoder.finish()]);
    await readBack.mapAsync(1); // GPUMapMode.READ
    const values = new Float32Array(readBack.getMappedRange().slice(0));
    readBack.unmap();
    let start = 0;
    return plan.outputs.map(({ length }) => values.subarray(start, (start += length)));
  }

  private fill({ images, labels, labelSmoothing = 0 }: MicroBatch, dropoutKey: RandomKey | undefined): void {
    const { staging } = this;
    const { input } = this.plan;
    staging.set(images, input.images.offset);
    staging.set(labels, input.labels.offset);
    staging[input.labelSmoothing.offset] = labelSmoothing;
    for (const { operation, range } of input.masks.values()) {
      if (dropoutKey === undefined) continue;
      const { layerIndex, rate } = operation;
      staging.set(dropoutMask(dropoutKey, layerIndex, range.length, rate), range.offset);
    }
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

  /** Computes with what the last run brought up, `repetitions` times without the timer and then once with it. */
  async timeAgain(repetitions: number, timer: KernelTimer): ReturnType<KernelTimer['read']> {
    const { device } = this.session;
    const encoder = device.createCommandEncoder();
    for (let repetition = 0; repetition < repetitions; repetition++) this.encode(encoder);
    // Where a driver begins to time a kernel before the one before it has ended, that one must be short, not a whole pass.
    this.encodeTimed(encoder, timer, [...this.commands.slice(-1), ...this.commands]);
    device.queue.submit([encoder.finish()]);
    const [, ...times] = await timer.read();
    return times;
  }

  dispose(): void {
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
