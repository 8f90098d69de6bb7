/** Mean and deviation of what the network really gets, channel by channel. */

import type { Workbench } from '../workbench.js';

export interface InputMoments {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Channels with one value everywhere. */
  readonly constant: readonly number[];
}

const SAMPLES = 2000;

/** Of the first training samples, without augmentation. */
export function inputMomentsOf(bench: Workbench): Promise<InputMoments> {
  return bench.once('input moments', () => {
    const { set, split } = bench.subject.data;
    const { images } = bench.batchOf(split.training.subarray(0, SAMPLES));
    const channelCount = set.imageShape.channels;
    const moments = Array.from({ length: channelCount }, (_, channel) =>
      momentsOf(images, channel, channelCount),
    );
    return {
      mean: moments.map(({ mean }) => mean),
      deviation: moments.map(({ deviation }) => deviation),
      constant: moments.flatMap(({ isConstant }, channel) => (isConstant ? [channel] : [])),
    };
  });
}

function momentsOf(
  images: Float32Array,
  channel: number,
  channelCount: number,
): { mean: number; deviation: number; isConstant: boolean } {
  let sum = 0;
  let squares = 0;
  let isConstant = true;
  for (let at = channel; at < images.length; at += channelCount) {
    const value = images[at]!;
    sum += value;
    squares += value * value;
    if (value !== images[channel]) isConstant = false;
  }
  const values = images.length / channelCount;
  const mean = sum / values;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / values - mean * mean)), isConstant };
}
