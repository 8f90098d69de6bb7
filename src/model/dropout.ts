/**
 * Dropout masks as a pure function of a key, so that every engine drops the same activations.
 * Srivastava et al., JMLR 15 (2014), with inverted scaling: evaluation needs no correction.
 */

import { deriveKey, RandomStream } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';

/**
 * Multipliers for one dropout layer: 0 with probability `rate`, else 1 / (1 - rate) rounded to float32.
 * @param key the micro-batch's dropout key
 * @param layerIndex position of the layer in the model's list: layers draw independently
 * @param length number of activations, B * H * W * C, in NHWC order
 */
export function dropoutMask(key: RandomKey, layerIndex: number, length: number, rate: number): Float32Array {
  const stream = new RandomStream(deriveKey(key, layerIndex));
  const kept = 1 / (1 - rate);
  return Float32Array.from({ length }, () => (stream.nextUniform() < rate ? 0 : kept));
}
