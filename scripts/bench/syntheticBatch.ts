/** Images for measurements of an engine alone: any will do, since no kernel's time depends on the values. */

import type { MicroBatch } from '../../src/engine/engine.js';
import { elementCount } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';

/** As in a real step: the weights change with every fourth micro-batch. */
export const MICRO_BATCHES_PER_STEP = 4;

export function syntheticBatch({ inputShape, classCount }: Model, sampleCount: number): MicroBatch {
  const { height, width, channels } = inputShape;
  const length = sampleCount * elementCount([height, width, channels]);
  return {
    images: Float32Array.from({ length }, (_, index) => ((index * 7919) % 255) / 64 - 2),
    labels: Uint8Array.from({ length: sampleCount }, (_, index) => index % classCount),
  };
}
