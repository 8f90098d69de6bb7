/**
 * Nodes that wait instead of computing, on the test's fake clock: they start items in order, as many at a time as they have
 * workers, finish what they have started, and drop items that were cancelled before.
 */

import { vi } from 'vitest';
import { itemKey, roundKey } from '../../src/coordinator/schedule/itemKey.js';
import { Pace } from '../../src/coordinator/schedule/pace.js';
import { Round } from '../../src/coordinator/schedule/round.js';
import type { Assignee } from '../../src/coordinator/schedule/assignee.js';
import { Workload } from '../../src/coordinator/schedule/workload.js';

export class SimulatedNode implements Assignee {
  accepting = true;
  readonly workload: Workload;
  readonly pace = new Pace();
  /** Items started since the last reset, whether their answer was used or not. */
  begun = 0;
  private queue: { readonly round: number; readonly index: number }[] = [];
  private running = 0;
  private round = -1;
  private answer: (round: number, index: number) => void = () => undefined;

  /** @param durationMs of an item, called for each; infinite: the worker stalls */
  constructor(
    readonly name: string,
    readonly threads: number,
    public durationMs: () => number,
  ) {
    this.workload = new Workload(threads);
  }

  /** New weights: the queue is dropped. */
  enter(round: number, answer: (round: number, index: number) => void): void {
    this.round = round;
    this.answer = answer;
    this.queue = [];
  }

  give(index: number): void {
    this.queue.push({ round: this.round, index });
    this.pump();
  }

  cancel(index: number): void {
    this.queue = this.queue.filter((item) => item.index !== index || item.round !== this.round);
  }

  /** Each item is answered in a message of its own. */
  keepApart(): void {
    return undefined;
  }

  private pump(): void {
    while (this.running < this.threads && this.queue.length > 0) {
      const { round, index } = this.queue.shift()!;
      this.running++;
      this.begun++;
      const durationMs = this.durationMs();
      if (durationMs === Infinity) continue; // it stalls
      setTimeout(() => {
        this.running--;
        this.pump();
        this.answer(round, index);
      }, durationMs);
    }
  }
}

export interface SimulatedStep {
  readonly durationMs: number;
  /** For each item, the node whose answer was used. */
  readonly answeredBy: readonly SimulatedNode[];
}

export class SimulatedFleet {
  private steps = 0;

  constructor(readonly nodes: SimulatedNode[]) {}

  /** One round, from its first item to its last answer. The clock must be fake. */
  async step(itemCount: number): Promise<SimulatedStep> {
    const step = this.steps++;
    const startedMs = performance.now();
    const answeredBy: SimulatedNode[] = [];
    const round = new Round<SimulatedNode>({
      key: roundKey('work', step),
      itemCount,
      sampleCountOf: () => 1,
      assignees: () => this.nodes,
      paceOf: ({ pace }) => pace,
    });
    const outcome = { isDone: false };
    void round.done.then(() => (outcome.isDone = true));
    for (const node of this.nodes) {
      node.enter(step, (ofStep, index) => {
        if (ofStep !== step) {
          node.workload.finish(itemKey(roundKey('work', ofStep), index), performance.now());
          return round.fill();
        }
        if (round.wants(index)) answeredBy[index] = node;
        round.complete(node, index);
      });
    }
    round.fill();
    await Promise.resolve();
    for (let turn = 0; !outcome.isDone; turn++) {
      if (turn > 100_000 || vi.getTimerCount() === 0) throw new Error('the round does not come to its end');
      vi.advanceTimersToNextTimer();
      await Promise.resolve();
    }
    return { durationMs: performance.now() - startedMs, answeredBy };
  }
}
