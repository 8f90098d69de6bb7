/** Sums over micro-batches as the reduction tree is defined, for nodes that add and for tests that check. */

import type { Result, Sum } from '../../src/protocol/index.js';
import { floatsOf } from './analyticNode.js';

/** The definition: split the leaves at the largest power of two below their number; add left and right, in float32. */
export function sumByDefinition(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  let half = 1;
  while (2 * half < vectors.length) half *= 2;
  const left = sumByDefinition(vectors.slice(0, half));
  const right = sumByDefinition(vectors.slice(half));
  return left.map((value, position) => Math.fround(value + right[position]!));
}

const bytesSum = (vectors: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(sumByDefinition(vectors.map(floatsOf)).buffer);

/** The message that a node sends instead of these results of consecutive micro-batches. */
export function sumOf(results: readonly Result[]): Sum {
  return {
    type: 'sum',
    step: results[0]!.step,
    microBatch: results[0]!.microBatch,
    leaves: results.map(({ sampleCount, lossSum, correct }) => ({ sampleCount, lossSum, correct })),
    gradientSum: bytesSum(results.map(({ gradientSum }) => gradientSum)),
    statisticSum: bytesSum(results.map(({ statisticSum }) => statisticSum)),
  };
}
