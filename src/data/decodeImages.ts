/** From what the network gets back to pixels. */

import type { Normalisation } from './normalisation.js';

/** @param images standardised, (B, H, W, C) */
export function decodeImages(images: Float32Array, { mean, standardDeviation }: Normalisation): Uint8Array {
  const channels = mean.length;
  return Uint8Array.from(images, (value, at) => {
    const channel = at % channels;
    const share = value * standardDeviation[channel]! + mean[channel]!;
    return Math.min(255, Math.max(0, Math.round(255 * share)));
  });
}
