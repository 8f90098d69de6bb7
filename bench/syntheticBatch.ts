/** Images for measurements of an engine alone. Their values do not matter: no kernel's time depends on them. */

import type { MicroBatch, PixelBatch } from '../src/engine/engine.js';
import { elementCount } from '../src/model/index.js';
import type { Model } from '../src/model/index.js';

/** As in a real step, the weights change with every fourth micro-batch. */
export const MICRO_BATCHES_PER_STEP = 4;

export function syntheticBatch({ inputShape, classCount }: Model, sampleCount: number): MicroBatch {
  const { height, width, channels } = inputShape;
  const length = sampleCount * elementCount([height, width, channels]);
  return {
    images: Float32Array.from({ length }, (_, index) => ((index * 7919) % 255) / 64 - 2),
    labels: Uint8Array.from({ length: sampleCount }, (_, index) => index % classCount),
  };
}

/** The same batch, as training sends it to engines that prepare images themselves. */
export function syntheticPixelBatch({ inputShape, classCount }: Model, sampleCount: number): PixelBatch {
  const { height, width, channels } = inputShape;
  const length = sampleCount * elementCount([height, width, channels]);
  return {
    pixels: Uint8Array.from({ length }, (_, index) => (index * 7919) % 255),
    windows: Int8Array.from(
      { length: 4 * sampleCount },
      (_, index) => [index % 9, 4 - (index % 9), index % 2, 0][index % 4]!,
    ),
    table: Float32Array.from({ length: 256 * channels }, (_, index) => (index % 256) / 64 - 2),
    labels: Uint8Array.from({ length: sampleCount }, (_, index) => index % classCount),
  };
}
