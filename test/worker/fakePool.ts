/** A pool without threads: what it is asked to compute waits until the test says what comes of it. */

import type { ItemAnswer, ItemTask } from '../../src/worker/task.js';
import type { ComputePool } from '../../src/worker/index.js';
import type { EngineDescription } from '../../src/engine/index.js';
import type { WireFormat } from '../../src/foundation/wire/format.js';

export const DESCRIPTION: EngineDescription = {
  name: 'wasm',
  device: 'a processor',
  numericsClass: 'test-class',
  exact: true,
  versions: {},
};

interface Pending {
  readonly task: ItemTask;
  readonly resolve: (answer: ItemAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class FakePool {
  readonly engine = { name: 'wasm' } as const;
  readonly pending: Pending[] = [];
  /** Labels of all tasks, in the order in which they were begun: they tell the items apart. */
  readonly begun: number[] = [];
  /** Gradients whose memory has been given back. */
  released = 0;
  /** Why a run of this wire form cannot be computed. */
  refusalFor: (wire: WireFormat) => string | undefined = () => undefined;

  constructor(readonly threads: number) {}

  /** In the place of the real one. */
  get asPool(): ComputePool {
    return this as unknown as ComputePool;
  }

  run(task: ItemTask): Promise<ItemAnswer> {
    this.begun.push(task.labels[0]!);
    return new Promise((resolve, reject) => this.pending.push({ task, resolve, reject }));
  }

  /** Ends the oldest task, or that of a later place, with an answer that carries the item's label as its loss. */
  finish(place = 0): void {
    const { task, resolve } = this.pending.splice(place, 1)[0]!;
    const lossSum = task.labels[0]!;
    const sampleCount = task.labels.length;
    if (task.kind === 'evaluate') {
      const logits = Float32Array.from(task.labels); // of a network with one class
      return resolve({ kind: 'evaluation', sampleCount, lossSum, correct: 1, logits });
    }
    resolve({
      kind: 'gradient',
      sampleCount,
      lossSum,
      correct: 1,
      gradientSum: task.state.parameters.map((value) => 2 * value),
      statisticSum: task.state.statistics.map((value) => 3 * value),
      release: () => this.released++,
    });
  }

  fail(error: Error): void {
    this.pending.shift()!.reject(error);
  }
}
