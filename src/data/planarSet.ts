/** Images of 32x32 pixels in three colour planes, as CIFAR's files hold them. */

import { checkSampleIndex } from './imageSet.js';
import type { ImageSet } from './imageSet.js';

/** Records of one file: pixels planar (3, 32, 32), one image every `stride` bytes. */
export interface PlanarBatch {
  readonly labels: Uint8Array; // (records)
  readonly bytes: Uint8Array;
  /** Where the first image begins in `bytes`. */
  readonly start: number;
  readonly stride: number;
}

export const PLANAR_SHAPE = { height: 32, width: 32, channels: 3 } as const;
const PLANE_LENGTH = PLANAR_SHAPE.height * PLANAR_SHAPE.width;

/** Keeps the files' buffers as they are; reading an image interleaves the three colour planes. */
export class PlanarSet implements ImageSet {
  readonly imageShape = PLANAR_SHAPE;
  readonly sampleCount: number;
  private readonly recordsPerBatch: number;

  /** @param batches at least one, each of as many records */
  constructor(
    readonly name: string,
    readonly classNames: readonly string[],
    private readonly batches: readonly PlanarBatch[],
  ) {
    this.recordsPerBatch = batches[0]!.labels.length;
    this.sampleCount = batches.length * this.recordsPerBatch;
  }

  labelOf(index: number): number {
    checkSampleIndex(index, this.sampleCount);
    return this.batches[Math.floor(index / this.recordsPerBatch)]!.labels[index % this.recordsPerBatch]!;
  }

  read(index: number, target: Uint8Array, targetOffset: number): number {
    const label = this.labelOf(index);
    const { bytes, start, stride } = this.batches[Math.floor(index / this.recordsPerBatch)]!;
    const red = start + (index % this.recordsPerBatch) * stride;
    for (let pixel = 0, to = targetOffset; pixel < PLANE_LENGTH; pixel++, to += 3) {
      target[to] = bytes[red + pixel]!;
      target[to + 1] = bytes[red + PLANE_LENGTH + pixel]!;
      target[to + 2] = bytes[red + 2 * PLANE_LENGTH + pixel]!;
    }
    return label;
  }
}
