/** Runs single kernels on a device: for tests, and for timing. */

import type { Session } from '../../src/engine/webgpu/dawn/session.js';
import { KernelTimer } from '../../src/engine/webgpu/kernelTimer.js';
import type { Dispatch, Range, Storage } from '../../src/engine/webgpu/kernels/kernelSource.js';

const FLOAT_BYTES = 4;

export class KernelRunner {
  private readonly buffers = new Map<Storage, GPUBuffer>();

  constructor(private readonly session: Session) {}

  write({ storage, offset }: Range, data: Float32Array<ArrayBuffer>): void {
    this.session.device.queue.writeBuffer(this.bufferOf(storage), offset * FLOAT_BYTES, data);
  }

  async run(dispatches: readonly Dispatch[], timer?: KernelTimer): Promise<void> {
    const { session } = this;
    await session.checked('a kernel', async () => {
      const pipelines = await Promise.all(dispatches.map((dispatch) => session.pipeline(dispatch)));
      const encoder = session.device.createCommandEncoder();
      timer?.begin(dispatches.map(({ label }) => label));
      dispatches.forEach((dispatch, index) => {
        const pass = encoder.beginComputePass(
          timer === undefined ? {} : { timestampWrites: timer.writesOf(index) },
        );
        pass.setPipeline(pipelines[index]!);
        pass.setBindGroup(0, this.bindGroupOf(dispatch));
        pass.dispatchWorkgroups(...dispatch.workgroups);
        pass.end();
      });
      timer?.end(encoder);
      session.device.queue.submit([encoder.finish()]);
    });
  }

  /** Microseconds of each, the minimum of several runs. */
  async time(dispatches: readonly Dispatch[], runs = 5): Promise<number[]> {
    const least = dispatches.map(() => Infinity);
    for (let run = 0; run < runs; run++) {
      const timer = new KernelTimer(this.session);
      await this.run(dispatches, timer);
      const times = await timer.read();
      times.forEach(({ nanoseconds }, index) => (least[index] = Math.min(least[index]!, nanoseconds / 1000)));
    }
    return least;
  }

  async read({ storage, offset, length }: Range): Promise<Float32Array> {
    const { session } = this;
    const readBack = session.readBackBuffer(length);
    const encoder = session.device.createCommandEncoder();
    const size = length * FLOAT_BYTES;
    encoder.copyBufferToBuffer(this.bufferOf(storage), offset * FLOAT_BYTES, readBack, 0, size);
    session.device.queue.submit([encoder.finish()]);
    await readBack.mapAsync(1);
    const values = new Float32Array(readBack.getMappedRange().slice(0));
    session.free([readBack]);
    return values;
  }

  release(): void {
    this.session.free([...this.buffers.values()]);
    this.buffers.clear();
  }

  private bufferOf(storage: Storage): GPUBuffer {
    const known = this.buffers.get(storage);
    if (known !== undefined) return known;
    const buffer = this.session.storageBuffer(storage.name, storage.length);
    this.buffers.set(storage, buffer);
    return buffer;
  }

  private bindGroupOf(dispatch: Dispatch): GPUBindGroup {
    const entries = dispatch.bindings.map(({ range }, binding) => ({
      binding,
      resource: {
        buffer: this.bufferOf(range.storage),
        offset: range.offset * FLOAT_BYTES,
        size: range.length * FLOAT_BYTES,
      },
    }));
    return this.session.device.createBindGroup({ layout: this.session.layoutOf(dispatch), entries });
  }
}
