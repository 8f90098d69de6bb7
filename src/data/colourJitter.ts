/**
 * Changes brightness, contrast and saturation as torchvision's ColorJitter does, for images of bytes: each by a factor of its
 * own around 1, in an order of their own. Values are float64 from 0 to 255 and are not rounded between the three.
 */

import type { RandomStream } from '../foundation/random.js';
import type { ImageShape } from './imageSet.js';

const CHANGES = ['brightness', 'contrast', 'saturation'] as const;
export type ColourChange = (typeof CHANGES)[number];

/** One sample's changes, in the order in which they are made. */
export type Jitter = readonly { readonly change: ColourChange; readonly factor: number }[];

/** Of red, green and blue in torchvision's grey. */
const GREY = [0.2989, 0.587, 0.114] as const;
const BRIGHTEST = 255;

/** @param strength the factors are uniform from 1 - strength, but at least 0, to 1 + strength */
export function drawJitter(stream: RandomStream, strength: number): Jitter {
  const left: ColourChange[] = [...CHANGES];
  const lowest = Math.max(0, 1 - strength);
  return CHANGES.map(() => {
    const [change] = left.splice(stream.nextBelow(left.length), 1) as [ColourChange];
    return { change, factor: lowest + stream.nextUniform() * (1 + strength - lowest) };
  });
}

/** @param values (H, W, C), from 0 to 255; changed in place. Only images of three channels have a saturation. */
export function jitterColours(
  values: Float64Array,
  { channels }: Pick<ImageShape, 'channels'>,
  jitter: Jitter,
): void {
  for (const { change, factor } of jitter) {
    if (change === 'brightness') blend(values, 0, factor);
    else if (change === 'contrast') {
      const mean = meanOf(values, channels);
      blend(values, mean, factor);
    } else if (channels === GREY.length) {
      for (let at = 0; at < values.length; at += channels) {
        const grey = greyAt(values, at);
        blend(values.subarray(at, at + channels), grey, factor);
      }
    }
  }
}

/** factor x value + (1 - factor) x other, cut off at black and white. */
function blend(values: Float64Array, other: number, factor: number): void {
  const rest = (1 - factor) * other;
  for (let at = 0; at < values.length; at++) {
    values[at] = Math.min(BRIGHTEST, Math.max(0, factor * values[at]! + rest));
  }
}

/** Of the grey image; of all values, where there is no grey. */
function meanOf(values: Float64Array, channels: number): number {
  const isColour = channels === GREY.length;
  let sum = 0;
  for (let at = 0; at < values.length; at += isColour ? channels : 1) {
    sum += isColour ? greyAt(values, at) : values[at]!;
  }
  return isColour ? (sum * channels) / values.length : sum / values.length;
}

function greyAt(values: Float64Array, at: number): number {
  return GREY[0] * values[at]! + GREY[1] * values[at + 1]! + GREY[2] * values[at + 2]!;
}
