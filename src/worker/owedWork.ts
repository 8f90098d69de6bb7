/**
 * How much a coordinator can have asked of this node that is not answered yet. One that keeps to the protocol hands out
 * two items a thread at most, and the next only for an answer; more than that is somebody who fills this machine's memory.
 */

import { LARGEST_MICRO_BATCH } from '../protocol/index.js';
import type { Evaluate, Work } from '../protocol/index.js';

/** Items that wait for a thread: twice what is handed out. */
export const MOST_WAITING_PER_THREAD = 4;
/** Messages that wait for a slow link. Of earlier rounds, too: the coordinator may have given up on their answers. */
export const MOST_UNSENT_PER_THREAD = 8;
/** Micro-batches of one step: a batch has no more samples. */
export const MOST_APART = 65_536;

export interface Owed {
  readonly threads: number;
  /** Items that no thread has begun. */
  readonly waiting: number;
  /** Messages to the coordinator that the socket has not taken. */
  readonly unsent: number;
  /** Bytes of one image of the run. */
  readonly imageBytes: number;
}

/** @returns what is wrong with one item more; undefined if it can be owed */
export function excessOf(
  { pixels, labels }: Work | Evaluate,
  { threads, waiting, unsent, imageBytes }: Owed,
): string | undefined {
  const mostPixelBytes = LARGEST_MICRO_BATCH * imageBytes;
  if (pixels.byteLength > mostPixelBytes || labels.byteLength > LARGEST_MICRO_BATCH)
    return `an item of more than ${LARGEST_MICRO_BATCH} samples`;
  const mostWaiting = MOST_WAITING_PER_THREAD * threads;
  if (waiting >= mostWaiting) return `more than ${mostWaiting} items at once for ${threads} thread(s)`;
  const mostUnsent = MOST_UNSENT_PER_THREAD * (threads + 1);
  if (unsent >= mostUnsent) return `more items, with ${unsent} answers not taken`;
  return undefined;
}
