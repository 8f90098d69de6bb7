/**
 * Measures a submission by timestamp queries, for profiles: as a whole, or kernel by kernel. In the second case each kernel
 * runs in a separate pass, which waits for the one before.
 */

import type { Session } from './dawn/session.js';

const QUERY_RESOLVE = 0x200 | 0x04; // GPUBufferUsage QUERY_RESOLVE | COPY_SRC
const READ_BACK = 0x01 | 0x08;
const TIMESTAMP_BYTES = 8;

export interface KernelTime {
  readonly label: string;
  readonly nanoseconds: number;
}

export class KernelTimer {
  private labels: readonly string[] = [];
  private querySet: GPUQuerySet | undefined;
  private resolved: GPUBuffer | undefined;
  private readBack: GPUBuffer | undefined;

  constructor(
    private readonly session: Session,
    readonly granularity: 'kernel' | 'pass' = 'kernel',
  ) {}

  static isSupported(session: Session): boolean {
    return session.device.features.has('timestamp-query');
  }

  begin(labels: readonly string[]): void {
    this.labels = labels;
    this.querySet = this.session.device.createQuerySet({ type: 'timestamp', count: 2 * labels.length });
  }

  writesOf(index: number): GPUComputePassTimestampWrites {
    return {
      querySet: this.querySet!,
      beginningOfPassWriteIndex: 2 * index,
      endOfPassWriteIndex: 2 * index + 1,
    };
  }

  end(encoder: GPUCommandEncoder): void {
    const { device } = this.session;
    const count = 2 * this.labels.length;
    const size = count * TIMESTAMP_BYTES;
    this.resolved = device.createBuffer({ size, usage: QUERY_RESOLVE });
    this.readBack = device.createBuffer({ size, usage: READ_BACK });
    encoder.resolveQuerySet(this.querySet!, 0, count, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.readBack, 0, size);
  }

  /** Nanoseconds of each kernel, in order. Call when the submission has ended. */
  async read(): Promise<KernelTime[]> {
    const readBack = this.readBack!;
    await readBack.mapAsync(1);
    const times = new BigUint64Array(readBack.getMappedRange().slice(0));
    readBack.destroy();
    this.resolved!.destroy();
    this.querySet!.destroy();
    return this.labels.map((label, index) => ({
      label,
      nanoseconds: Number(times[2 * index + 1]! - times[2 * index]!),
    }));
  }
}
