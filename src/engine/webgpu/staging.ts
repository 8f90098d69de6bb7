/**
 * Host memory that the device copies from. It is mapped again as soon as a copy has been submitted. So an upload allocates
 * nothing, and data are written once, to where the device reads them.
 */

import type { Session } from './dawn/session.js';

const WRITE = 0x2; // GPUMapMode.WRITE

export class Staging {
  readonly buffer: GPUBuffer;
  /** Settles when the memory can be written to. */
  private ready: Promise<unknown> = Promise.resolve();

  /** @param length of the data, in elements of four bytes */
  constructor(
    private readonly session: Session,
    length: number,
  ) {
    this.buffer = session.stagingBuffer(length);
  }

  /** Lets `fill` write all of the data. Then submit the commands of `recordCopy`, and call `sent`. */
  async write(fill: (memory: ArrayBuffer) => void): Promise<void> {
    try {
      await this.ready;
    } catch (error) {
      throw this.session.failed('memory for uploads cannot be mapped; use fewer workers', error);
    }
    try {
      fill(this.buffer.getMappedRange());
    } catch (error) {
      this.buffer.unmap();
      this.sent();
      throw error;
    }
    this.buffer.unmap();
  }

  recordCopy(target: GPUBuffer, encoder: GPUCommandEncoder): void {
    encoder.copyBufferToBuffer(this.buffer, 0, target, 0, this.buffer.size);
  }

  sent(): void {
    this.ready = this.buffer.mapAsync(WRITE);
    // If the device is lost or closed meanwhile, its next user gets the error.
    this.ready.catch(() => undefined);
  }

  /** Dawn aborts the process if a thread ends before its promises settle. So wait for this before work counts as done. */
  async settled(): Promise<void> {
    await this.ready.catch(() => undefined);
  }

  dispose(): void {
    this.session.free([this.buffer]);
  }
}
