/** The items of a node: what was asked, what its threads compute, and where in the round it belongs. */

import type { Evaluate, Work } from '../protocol/index.js';
import type { ItemPool } from './itemPool.js';
import type { ComputeSession, ItemTask, Score, SharedState } from './task.js';

/** An item, with the weights to compute it with. */
export interface QueuedItem {
  readonly message: Work | Evaluate;
  readonly session: ComputeSession;
  readonly state: SharedState;
}

/** An item that a node has computed. */
export type AnsweredItem = Score &
  ({ readonly kind: 'work'; readonly step: number } | { readonly kind: 'evaluate' });

export function taskOf(
  { message, session, state }: QueuedItem,
  { engine }: Pick<ItemPool, 'engine'>,
): ItemTask {
  const { pixels, labels } = message;
  const common = { engine, session, state, pixels, labels };
  if (message.type === 'evaluate') return { kind: 'evaluate', ...common };
  const { microBatch, augmentationKey, mirrored, dropoutKey, roundingKey } = message;
  return { kind: 'gradient', ...common, microBatch, augmentationKey, mirrored, dropoutKey, roundingKey };
}

export function answeredItem(
  message: Work | Evaluate,
  { sampleCount, lossSum, correct }: Score,
): AnsweredItem {
  const score = { sampleCount, lossSum, correct };
  return message.type === 'work'
    ? { kind: 'work', step: message.step, ...score }
    : { kind: 'evaluate', ...score };
}

/** The number of the item's round, and its index in that round. */
export function placeOf(message: Work | Evaluate): { round: number; index: number } {
  return message.type === 'work'
    ? { round: message.step, index: message.microBatch }
    : { round: message.evaluation, index: message.chunk };
}
