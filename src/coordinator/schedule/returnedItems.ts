/** Which nodes gave an item back, and when. Such a node is given the item again only after a while. */

import type { Assignee } from './assignee.js';

/** Enough time for the other nodes, if there are any, to compute the item. */
const UNFIT_FOR_MS = 30_000;

const NOBODY: ReadonlySet<never> = new Set();

export class ReturnedItems<Node extends Assignee> {
  /** By item, then by node: the time of the return. */
  private readonly returns = new Map<number, Map<Node, number>>();

  add(index: number, node: Node, nowMs: number): void {
    const returns = this.returns.get(index) ?? new Map<Node, number>();
    this.returns.set(index, returns.set(node, nowMs));
  }

  has(index: number): boolean {
    return this.returns.has(index);
  }

  /** The nodes that gave the item back recently; none if no other of the assignees accepts items. */
  unfitFor(index: number, nowMs: number, assignees: Iterable<Node>): ReadonlySet<Node> {
    const returns = this.returns.get(index);
    if (!returns) return NOBODY;
    for (const assignee of assignees) {
      if (!assignee.accepting || returns.has(assignee)) continue;
      return new Set([...returns].filter(([, atMs]) => atMs > nowMs - UNFIT_FOR_MS).map(([node]) => node));
    }
    return NOBODY;
  }

  /** When the next node may be given an item again that it gave back; infinite if there is none. */
  nextFitMs(nowMs: number): number {
    let nextMs = Infinity;
    for (const returns of this.returns.values()) {
      for (const atMs of returns.values()) {
        if (atMs + UNFIT_FOR_MS > nowMs) nextMs = Math.min(nextMs, atMs + UNFIT_FOR_MS);
      }
    }
    return nextMs;
  }
}
