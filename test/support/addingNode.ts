/** A node that answers when the test says, item by item or with a sum of several. It computes by the analytic formula. */

import type { Fleet } from '../../src/coordinator/index.js';
import type { Hello, Parameters, Result, Work } from '../../src/protocol/index.js';
import { resultOf } from './analyticNode.js';
import { hello } from './messages.js';
import { ScriptedNode } from './scriptedNode.js';
import { sumOf } from './sums.js';

export class AddingNode {
  /** Micro-batches requested and not answered. */
  readonly pending = new Map<number, Work>();
  /** Micro-batches to answer one by one. */
  readonly apart = new Set<number>();
  readonly given: number[] = [];
  readonly node: ScriptedNode;
  private state: Parameters | undefined;

  constructor(fleet: Fleet, change: Partial<Hello>) {
    this.node = new ScriptedNode(fleet);
    this.node.onMessage = (message) => {
      if (message.type === 'parameters') {
        const { parameters, statistics } = message;
        this.state = { ...message, parameters: parameters.slice(), statistics: statistics.slice() };
      }
      if (message.type === 'apart') this.apart.add(message.microBatch);
      if (message.type !== 'work') return;
      this.pending.set(message.microBatch, message);
      this.given.push(message.microBatch);
    };
    this.node.send(hello(change));
  }

  /** All aligned ranges of at most `largest` micro-batches that it could answer in one message. */
  ranges(largest: number): number[][] {
    const found: number[][] = [];
    for (let size = 1; size <= largest; size *= 2) {
      for (const first of this.pending.keys()) {
        const range = Array.from({ length: size }, (_, place) => first + place);
        if (first % size === 0 && range.every((index) => this.pending.has(index))) found.push(range);
      }
    }
    return found;
  }

  /** Starts afresh for the next step. */
  forget(): void {
    this.pending.clear();
    this.apart.clear();
    this.given.length = 0;
  }

  answer(range: readonly number[], change: Partial<Result> = {}): void {
    const results = range.map((index) => ({ ...resultOf(this.pending.get(index)!, this.state!), ...change }));
    for (const index of range) this.pending.delete(index);
    this.node.send(results.length === 1 ? results[0]! : sumOf(results));
  }
}
