/**
 * Mixes the images of a micro-batch in pairs (mixup, arXiv:1710.09412): x = s x_i + (1 - s) x_j, and the loss in the same
 * shares. As in its authors' program there is one share and one random order for all images of a batch, here of a micro-batch.
 */

import { deterministicLog, exponentialOfNonPositive } from '../foundation/deterministicMath.js';
import { deriveKey, randomPermutation, RandomStream } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';

export interface Mixing {
  /** Of each image's own pixels. */
  readonly share: number;
  /** (B): the place of the image that each is mixed with, perhaps its own. */
  readonly partners: Uint32Array;
}

/** Beyond all places of samples, whose streams begin at the same key. */
const SHARE_STREAM = 0xffff_fff0;
const PAIR_STREAM = 0xffff_fff1;

/**
 * A pure function of the micro-batch's key.
 * @param alpha the share is drawn from Beta(alpha, alpha)
 */
export function drawMixing(key: RandomKey, alpha: number, sampleCount: number): Mixing {
  return {
    share: drawBeta(new RandomStream(deriveKey(key, SHARE_STREAM)), alpha),
    partners: randomPermutation(sampleCount, deriveKey(key, PAIR_STREAM)),
  };
}

/** @param images (B, …); @returns a new array */
export function mixImages(images: Float32Array, { share, partners }: Mixing): Float32Array {
  const length = images.length / partners.length;
  const mixed = new Float32Array(images.length);
  partners.forEach((partner, place) => {
    const [own, other] = [place * length, partner * length];
    for (let at = 0; at < length; at++) {
      mixed[own + at] = share * images[own + at]! + (1 - share) * images[other + at]!;
    }
  });
  return mixed;
}

/** From Beta(alpha, alpha), by exact arithmetic alone. */
export function drawBeta(stream: RandomStream, alpha: number): number {
  return alpha < 1 ? byQuotient(stream, alpha) : byRejection(stream, alpha);
}

/** Uniform numbers, kept with the density over its highest value, (4 x (1 - x))^(alpha - 1). */
function byRejection(stream: RandomStream, alpha: number): number {
  for (;;) {
    const x = uniform(stream);
    if (deterministicLog(uniform(stream)) <= (alpha - 1) * deterministicLog(4 * x * (1 - x))) return x;
  }
}

/** Jöhnk: u^(1/alpha) over its sum with v^(1/alpha), if that is at most 1; with logarithms, for the powers may vanish. */
function byQuotient(stream: RandomStream, alpha: number): number {
  for (;;) {
    const [u, v] = [
      deterministicLog(uniform(stream)) / alpha,
      deterministicLog(uniform(stream)) / alpha,
    ] as const;
    const smaller = exponentialOfNonPositive(-Math.abs(u - v)); // over the larger
    if (exponentialOfNonPositive(Math.max(u, v)) * (1 + smaller) > 1) continue;
    return (u >= v ? 1 : smaller) / (1 + smaller);
  }
}

/** Never 0 or 1. */
function uniform(stream: RandomStream): number {
  return (stream.nextUint32() + 0.5) / 0x1_0000_0000;
}
