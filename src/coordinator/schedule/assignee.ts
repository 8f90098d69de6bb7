/** A node as the schedule sees it: who can be given items, and what it already has. */

import type { Workload } from './workload.js';

export interface Assignee {
  readonly name: string;
  /** False while the node is draining, and after it has left. */
  readonly accepting: boolean;
  /** What the node has to compute, from this round and earlier ones. Its thread count is the workload's. */
  readonly workload: Workload;
  /** Sends the item to the node. @param isCopy another node has it, too */
  give(index: number, isCopy: boolean): void;
  /** An item of this node is given to another node as well, because this one is expected to finish it much later. */
  wasLate?(): void;
  /** Tells the node that the item is no longer wanted. The node may skip it. */
  cancel(index: number): void;
  /** Tells the node to answer the item alone, not in a sum with others. */
  keepApart(index: number): void;
}
