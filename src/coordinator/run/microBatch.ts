/** The size of a micro-batch where the user leaves it open: it must divide the batch. */

import { LARGEST_MICRO_BATCH } from '../../protocol/index.js';

export const USUAL_MICRO_BATCH = 32;
/** Batch statistics over fewer samples are too noisy, so a smaller micro-batch is never chosen by default. */
export const LEAST_UNASKED = 8;

/** The largest divisor of the batch size up to 32; 32 itself where that would be too small, and then it does not fit. */
export function defaultMicroBatch(batchSize: number): number {
  const largest = Math.max(...divisorsOf(batchSize).filter((divisor) => divisor <= USUAL_MICRO_BATCH));
  return largest >= Math.min(LEAST_UNASKED, batchSize) ? largest : USUAL_MICRO_BATCH;
}

/** The size that divides the batch and is nearest to the one that was given. */
export function nearestMicroBatch(batchSize: number, wanted: number): number {
  const distance = (size: number): number => Math.abs(size - wanted);
  return divisorsOf(batchSize).reduce((best, size) => (distance(size) < distance(best) ? size : best));
}

/** The size to propose to whoever has given none and whose batch has no usual one; undefined if none is good. */
export function unusualMicroBatch(batchSize: number): number | undefined {
  return divisorsOf(batchSize).find((size) => size > USUAL_MICRO_BATCH);
}

/** Those that a micro-batch may have, ascending. */
function divisorsOf(batchSize: number): number[] {
  const sizes = Array.from({ length: Math.min(batchSize, LARGEST_MICRO_BATCH) }, (_, index) => index + 1);
  return sizes.filter((size) => batchSize % size === 0);
}
