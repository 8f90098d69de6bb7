/**
 * Filters that whiten image patches: the eigenvectors of the patches' covariance, each divided by the square root of its
 * eigenvalue, and each with its negative (Page, How to train your ResNet 8; arXiv:2404.00498, section 3.2).
 */

import { symmetricEigen } from '../foundation/symmetricEigen.js';
import { imageByteCount } from './imageSet.js';
import type { ImageSet } from './imageSet.js';
import { tableOf } from './prepare.js';
import type { Normalisation } from './normalisation.js';

/** More images do not change the filters visibly. */
const MOST_IMAGES = 5000;
const BYTE_VALUES = 256;

export interface WhiteningOptions {
  readonly set: ImageSet;
  /** Samples of `set`, of which the first 5,000 are used. */
  readonly indices: Uint32Array;
  readonly normalisation: Normalisation;
  /** Side of a patch. */
  readonly kernelSize: number;
  /** At most 2 K K Cin; if fewer, the filters of the largest eigenvalues. */
  readonly filterCount: number;
  /** Added to each eigenvalue: weak directions are mostly noise. */
  readonly epsilon: number;
}

/** @returns the weight of a convolution, (K, K, Cin, filterCount): first half the filters, then their negatives */
export function whiteningFilters(options: WhiteningOptions): Float32Array {
  const { kernelSize, filterCount, epsilon, set } = options;
  const length = kernelSize * kernelSize * set.imageShape.channels;
  const { values, vectors } = symmetricEigen(patchCovariance(options), length);
  const weight = new Float32Array(length * filterCount);
  const half = filterCount / 2;
  for (let filter = 0; filter < half; filter++) {
    const scale = 1 / Math.sqrt(values[filter]! + epsilon);
    for (let element = 0; element < length; element++) {
      const value = vectors[filter * length + element]! * scale;
      weight[element * filterCount + filter] = value;
      weight[element * filterCount + half + filter] = -value;
    }
  }
  return weight;
}

/** Mean of the products of each two elements of a patch, (K K Cin, K K Cin), over all patches in order. */
function patchCovariance({ set, indices, normalisation, kernelSize }: WhiteningOptions): Float64Array {
  const { imageShape } = set;
  const { height, width, channels } = imageShape;
  const rowLength = kernelSize * channels;
  const length = kernelSize * rowLength;
  const table = tableOf(normalisation);
  const bytes = new Uint8Array(imageByteCount(imageShape));
  const image = new Float64Array(bytes.length);
  const patch = new Float64Array(length);
  const sums = new Float64Array(length * length);
  const used = indices.subarray(0, MOST_IMAGES);
  for (const index of used) {
    set.read(index, bytes, 0);
    bytes.forEach((byte, at) => (image[at] = table[(at % channels) * BYTE_VALUES + byte]!));
    for (let row = 0; row + kernelSize <= height; row++) {
      for (let column = 0; column + kernelSize <= width; column++) {
        for (let line = 0; line < kernelSize; line++) {
          const from = ((row + line) * width + column) * channels;
          patch.set(image.subarray(from, from + rowLength), line * rowLength);
        }
        addProducts(sums, patch);
      }
    }
  }
  const patches = used.length * (height - kernelSize + 1) * (width - kernelSize + 1);
  return symmetric(sums, length).map((sum) => sum / patches);
}

/** Adds the products to the upper triangle. */
function addProducts(sums: Float64Array, patch: Float64Array): void {
  const { length } = patch;
  for (let a = 0; a < length; a++) {
    const value = patch[a]!;
    for (let b = a; b < length; b++) sums[a * length + b]! += value * patch[b]!;
  }
}

function symmetric(upper: Float64Array, length: number): Float64Array {
  return upper.map((_, at) => {
    const [row, column] = [Math.floor(at / length), at % length];
    return upper[Math.min(row, column) * length + Math.max(row, column)]!;
  });
}
