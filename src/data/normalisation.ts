/** Standardises each channel by the mean and standard deviation of the training samples. */

import { commandLine } from '../foundation/commandLine.js';
import { LockstepError } from '../foundation/errors.js';
import { imageByteCount } from './imageSet.js';
import type { ImageSet } from './imageSet.js';

/** One number a channel, such as red, green, blue; in units of the pixel range [0, 1]. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly standardDeviation: readonly number[];
}

const BYTE_VALUES = 256;

/**
 * Mean and (population) standard deviation of the given samples, from exact integer sums, so the order of the
 * additions cannot change a bit.
 * @throws LockstepError E_DATA_CORRUPT if a channel has only one value, so its deviation is 0.
 */
export function measureNormalisation(set: ImageSet, trainingIndices: Uint32Array): Normalisation {
  const normalisation = momentsOf(set, trainingIndices);
  normalisation.standardDeviation.forEach((deviation, channel) => {
    if (deviation === 0) throw constantChannel(channel);
  });
  return normalisation;
}

/** The same for data that are looked at before anything is trained: a channel of one value has deviation 0. */
export function momentsOf(set: ImageSet, indices: Uint32Array): Normalisation {
  const histogram = channelHistogram(set, indices);
  const moments = Array.from({ length: set.imageShape.channels }, (_, channel) =>
    channelMoments(histogram.subarray(channel * BYTE_VALUES, (channel + 1) * BYTE_VALUES)),
  );
  return {
    mean: moments.map(({ mean }) => mean),
    standardDeviation: moments.map(({ deviation }) => deviation),
  };
}

function constantChannel(channel: number): LockstepError {
  return new LockstepError(
    'E_DATA_CORRUPT',
    `channel ${channel} has one value in all training samples, but its standard deviation must be above 0; ` +
      `check the data with: ${commandLine('data', 'verify')}`,
  );
}

/** How often each byte value occurs in each channel, (C, 256). */
function channelHistogram(set: ImageSet, indices: Uint32Array): Float64Array {
  const { channels } = set.imageShape;
  const histogram = new Float64Array(channels * BYTE_VALUES);
  const image = new Uint8Array(imageByteCount(set.imageShape));
  for (const index of indices) {
    set.read(index, image, 0);
    for (let offset = 0; offset < image.length; offset += channels) {
      for (let channel = 0; channel < channels; channel++) {
        histogram[channel * BYTE_VALUES + image[offset + channel]!]!++;
      }
    }
  }
  return histogram;
}

interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

function channelMoments(counts: Float64Array): Moments {
  let count = 0n;
  let sum = 0n;
  let squares = 0n;
  counts.forEach((occurrences, value) => {
    count += BigInt(occurrences);
    sum += BigInt(occurrences * value);
    squares += BigInt(occurrences * value * value);
  });
  const scatter = count * squares - sum * sum; // count^2 times the variance
  return {
    mean: Number(sum) / Number(count) / 255,
    deviation: Math.sqrt(Number(scatter)) / Number(count) / 255,
  };
}

/** (byte / 255 - mean) / deviation as float32 for each channel and byte value, (C, 256). */
export function normalisationTable(normalisation: Normalisation): Float32Array {
  return Float32Array.from({ length: normalisation.mean.length * BYTE_VALUES }, (_, entry) => {
    const channel = Math.floor(entry / BYTE_VALUES);
    const value = (entry % BYTE_VALUES) / 255;
    return (value - normalisation.mean[channel]!) / normalisation.standardDeviation[channel]!;
  });
}
