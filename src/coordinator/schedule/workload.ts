/**
 * What one node has to compute, as the coordinator sees it: the items of the round in progress, and items of earlier rounds
 * that it has begun and not answered. A node begins items in the order in which it got them, one per worker at a time.
 */

import type { ItemKey, RoundKey } from './itemKey.js';
import type { Pace } from './pace.js';

const PREFETCHED_PER_WORKER = 1;

export interface Item {
  readonly round: RoundKey;
  readonly key: ItemKey;
  readonly sampleCount: number;
  /** How quickly this node computes items of this kind. */
  readonly pace: Pace;
}

export interface HeldItem extends Item {
  /** Undefined while the item waits at the node. */
  readonly beganAtMs: number | undefined;
}

interface Entry extends Item {
  beganAtMs: number | undefined;
}

export class Workload {
  /** In the order in which they were given. */
  private readonly entries = new Map<ItemKey, Entry>();
  private begun = 0;

  constructor(private threadCount: number) {}

  get threads(): number {
    return this.threadCount;
  }

  /** The node has more workers, or fewer. Without any it computes nothing of what it was given. */
  resize(threads: number, nowMs: number): void {
    this.threadCount = threads;
    if (threads === 0) {
      this.entries.clear();
      this.begun = 0;
    }
    while (this.begun < Math.min(threads, this.entries.size)) this.beginNext(nowMs);
  }

  get itemCount(): number {
    return this.entries.size;
  }

  get idleWorkers(): number {
    return Math.max(0, this.threads - this.begun);
  }

  /** A node gets an item for each worker, and one more for each to have ready when the first is finished. */
  get hasRoom(): boolean {
    return this.itemCount < this.threads * (1 + PREFETCHED_PER_WORKER);
  }

  items(): Iterable<HeldItem> {
    return this.entries.values();
  }

  /** The unanswered item that was given first. */
  oldest(): HeldItem | undefined {
    return this.entries.values().next().value;
  }

  get(key: ItemKey): HeldItem | undefined {
    return this.entries.get(key);
  }

  /** An item that the node still has is counted once: as if it were given now. */
  add(item: Item, nowMs: number): void {
    this.drop(item.key, nowMs);
    const begins = this.begun < this.threads;
    if (begins) this.begun++;
    this.entries.set(item.key, { ...item, beganAtMs: begins ? nowMs : undefined });
  }

  /** The node has answered the item. Measures its pace. */
  finish(key: ItemKey, nowMs: number): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    if (entry.beganAtMs === undefined) this.dropItemOfEarlierRound(entry.round, nowMs);
    else entry.pace.add(nowMs - entry.beganAtMs, entry.sampleCount, nowMs);
    this.drop(key, nowMs);
  }

  /** The node does not compute the item, or its time must not be measured. */
  drop(key: ItemKey, nowMs: number): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    if (entry.beganAtMs === undefined) return;
    this.begun--;
    if (this.begun < this.threadCount) this.beginNext(nowMs);
  }

  /**
   * An item was answered though it seemed to wait behind an item of an earlier round. So the node does not compute that
   * earlier item: a cancellation had reached the node too late, the next item seemed begun, and the node dropped it when
   * the round was over.
   */
  private dropItemOfEarlierRound(currentRound: RoundKey, nowMs: number): void {
    for (const entry of this.entries.values()) {
      if (entry.round !== currentRound && entry.beganAtMs !== undefined) return this.drop(entry.key, nowMs);
    }
  }

  private beginNext(nowMs: number): void {
    for (const entry of this.entries.values()) {
      if (entry.beganAtMs !== undefined) continue;
      entry.beganAtMs = nowMs;
      this.begun++;
      return;
    }
  }
}
