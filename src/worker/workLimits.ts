/**
 * Limits how many unanswered items a coordinator may give this node. By the protocol it gives at most two per thread, and a
 * further one only for an answer. A coordinator that sends more would fill this machine's memory.
 */

import { LARGEST_MICRO_BATCH } from '../protocol/index.js';
import type { Evaluate, Work } from '../protocol/index.js';
import { drawsNumbers } from '../foundation/wire/format.js';
import type { WireFormat } from '../foundation/wire/format.js';

/** Items that wait for a thread: twice what the protocol allows. */
export const MOST_WAITING_PER_THREAD = 4;
/** Messages that wait for a slow link, including answers of earlier rounds that the coordinator no longer waits for. */
export const MOST_UNSENT_PER_THREAD = 8;
/** Micro-batches of one step: a batch has no more samples. */
export const MAX_MICRO_BATCHES = 65_536;

export interface CurrentLoad {
  readonly threads: number;
  /** Items that no thread has begun. */
  readonly waiting: number;
  /** Messages to the coordinator that the socket has not taken. */
  readonly unsent: number;
  /** Bytes of one image of the run. */
  readonly imageBytes: number;
  readonly wire: WireFormat;
}

/** @returns which limit one more item would exceed, or how it contradicts itself; undefined if it may come */
export function exceededLimit(
  message: Work | Evaluate,
  { threads, waiting, unsent, imageBytes, wire }: CurrentLoad,
): string | undefined {
  const { pixels, labels } = message;
  const mostPixelBytes = LARGEST_MICRO_BATCH * imageBytes;
  if (pixels.byteLength > mostPixelBytes || labels.byteLength > LARGEST_MICRO_BATCH)
    return `an item of more than ${LARGEST_MICRO_BATCH} samples`;
  const mostWaiting = MOST_WAITING_PER_THREAD * threads;
  if (waiting >= mostWaiting) return `more than ${mostWaiting} items at once for ${threads} thread(s)`;
  const mostUnsent = MOST_UNSENT_PER_THREAD * (threads + 1);
  if (unsent >= mostUnsent) return `more items while ${unsent} answers are not read`;
  if (message.type === 'work' && message.mirrored && message.mirrored.length !== labels.length)
    return `${message.mirrored.length} flips for ${labels.length} samples`;
  if (message.type === 'work' && (message.roundingKey !== null) !== drawsNumbers(wire))
    return `${wire} with ${message.roundingKey ? 'a' : 'no'} key of its rounding`;
  return undefined;
}
