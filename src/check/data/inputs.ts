/** What the network gets is standardised, and is still the image. */

import { decodeImages, gatherSamples } from '../../data/index.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { inputMomentsOf } from './inputMoments.js';

/** The first samples of a training set are not all of it, and a part of it differs a little. */
const FARTHEST_MEAN = 0.25;
const DEVIATIONS = [0.75, 1.33] as const;
const DECODED_IMAGES = 64;

export const inputs: Check = {
  name: 'inputs',
  group: 'data',
  about: 'what the network gets has mean 0 and deviation 1 in each channel, and decodes back to the image',
  run: async (bench) => {
    const { mean, deviation, constant } = await inputMomentsOf(bench);
    const varying = mean.map((_, channel) => channel).filter((channel) => !constant.includes(channel));
    if (varying.length === 0) return { leftOut: 'no channel varies' };
    const expected = 'mean 0 and deviation 1 in each channel, and the same picture when decoded';
    const [means, deviations] = [mean, deviation].map((values) => varying.map((channel) => values[channel]!));
    const seen = `means ${range(means!)}, deviations ${range(deviations!)}`;
    const isStandard = varying.every(
      (channel) =>
        Math.abs(mean[channel]!) <= FARTHEST_MEAN &&
        deviation[channel]! >= DEVIATIONS[0] &&
        deviation[channel]! <= DEVIATIONS[1],
    );
    if (!isStandard) {
      return found('fail', {
        expected,
        seen,
        advice: 'standardise the images by the mean and deviation of the training samples',
      });
    }
    const different = differentWhenDecoded(bench);
    if (different === 0) return passed(expected, seen);
    return found('fail', {
      expected,
      seen: `${seen}; ${different} of ${DECODED_IMAGES} images are others when decoded`,
      advice: 'look at how the pixels become numbers: rows, columns or channels are mixed up',
    });
  },
};

function range(values: readonly number[]): string {
  const [low, high] = [short(Math.min(...values)), short(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
}

/** Nothing is not negative. */
function short(value: number): string {
  return value.toFixed(2).replace(/^-(0\.00)$/, '$1');
}

function differentWhenDecoded(bench: Workbench): number {
  const { set, split, normalisation } = bench.subject.data;
  const samples = split.training.subarray(0, DECODED_IMAGES);
  const { pixels } = gatherSamples(set, samples);
  const decoded = decodeImages(bench.batchOf(samples).images, normalisation);
  const length = pixels.length / samples.length;
  return Array.from(samples, (_, place) => place).filter((place) => {
    for (let at = place * length; at < (place + 1) * length; at++) {
      if (pixels[at] !== decoded[at]) return true;
    }
    return false;
  }).length;
}
