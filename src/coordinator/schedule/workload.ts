/**
 * What one node has to compute, as far as can be seen from here: the items of the round in progress, and those that it
 * began in earlier rounds and has not answered yet. A node begins its items in the order in which it got them, as many
 * at a time as it has workers.
 */

import type { Pace } from './pace.js';

export interface Item {
  /** Names the round among all. */
  readonly round: string;
  /** Names the item among those of all rounds. */
  readonly key: string;
  readonly sampleCount: number;
  /** How quickly this node computes items of this kind. */
  readonly pace: Pace;
}

export interface HeldItem extends Item {
  /** Undefined while it waits at the node. */
  readonly beganAtMs: number | undefined;
}

interface Entry extends Item {
  beganAtMs: number | undefined;
}

export class Workload {
  /** In the order in which they were given. */
  private readonly entries = new Map<string, Entry>();
  private begun = 0;

  constructor(readonly threads: number) {}

  get itemCount(): number {
    return this.entries.size;
  }

  get idleWorkers(): number {
    return this.threads - this.begun;
  }

  items(): Iterable<HeldItem> {
    return this.entries.values();
  }

  /** What was given first of all that has not been answered. */
  oldest(): HeldItem | undefined {
    return this.entries.values().next().value;
  }

  get(key: string): HeldItem | undefined {
    return this.entries.get(key);
  }

  add(item: Item, nowMs: number): void {
    const begins = this.begun < this.threads;
    if (begins) this.begun++;
    this.entries.set(item.key, { ...item, beganAtMs: begins ? nowMs : undefined });
  }

  /** The node has answered the item: how long it took is remembered. */
  finish(key: string, nowMs: number): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    if (entry.beganAtMs === undefined) this.forgetPhantom(entry.round, nowMs);
    else entry.pace.add(nowMs - entry.beganAtMs, entry.sampleCount, nowMs);
    this.drop(key, nowMs);
  }

  /** The node does not compute the item, or not for anything that could be measured. */
  drop(key: string, nowMs: number): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    if (entry.beganAtMs === undefined) return;
    this.begun--;
    this.beginNext(nowMs);
  }

  /**
   * An item was answered that seemed to wait behind one of an earlier round, so that one is not being computed at all: a
   * cancellation had reached the node too late, and the next item, which seemed begun then, was forgotten when the round
   * was over.
   */
  private forgetPhantom(currentRound: string, nowMs: number): void {
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
