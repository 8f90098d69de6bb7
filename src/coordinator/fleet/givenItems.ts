/** The items that one node was given and has not answered yet. It may answer no others. */

import type { ItemKey } from '../schedule/itemKey.js';

/**
 * A cancelled item is never answered, so the oldest entries are dropped beyond this number, or this one for each worker: a
 * relay of four thousand workers holds two items for each.
 */
const MAX_ITEMS = 4096;
const MAX_ITEMS_PER_WORKER = 4;

export class GivenItems {
  /** How many answers are due. An item that was cancelled too late and given again is answered twice. */
  private readonly counts = new Map<ItemKey, number>();

  /** @param threads workers that the node brings */
  add(key: ItemKey, threads: number): void {
    const count = this.counts.get(key) ?? 0;
    this.counts.delete(key);
    this.counts.set(key, count + 1);
    const most = Math.max(MAX_ITEMS, MAX_ITEMS_PER_WORKER * threads);
    if (this.counts.size > most) this.counts.delete(this.counts.keys().next().value!);
  }

  /** Counts one answer. @returns whether one was due */
  answer(key: ItemKey): boolean {
    const count = this.counts.get(key) ?? 0;
    if (count > 1) this.counts.set(key, count - 1);
    else this.counts.delete(key);
    return count > 0;
  }
}
