/**
 * Tries an item once more that failed on a GPU: one that was lost, as when a laptop has slept, is opened anew then. If that
 * fails as well, the GPU is of no use, and the node leaves before the coordinator refuses it.
 */

import { describeError } from '../../../foundation/errors.js';
import type { EngineChoice, ItemAnswer, ItemPool, ItemTask } from '../../../worker/pages.js';
import { ownSamples } from './threads.js';

export class SecondTry implements ItemPool {
  readonly engine: EngineChoice;
  readonly threads: number;

  constructor(
    private readonly pool: ItemPool,
    private readonly onBroken: (reason: string) => void,
  ) {
    ({ engine: this.engine, threads: this.threads } = pool);
  }

  async run(task: ItemTask): Promise<ItemAnswer> {
    const own = ownSamples(task);
    try {
      return await this.pool.run(own);
    } catch (error) {
      return this.runAgain(own, describeError(error));
    }
  }

  private async runAgain(task: ItemTask, before: string): Promise<ItemAnswer> {
    try {
      return await this.pool.run(task);
    } catch (error) {
      const reason = describeError(error);
      this.onBroken(reason === before ? reason : `${before}; when it was tried again: ${reason}`);
      throw error;
    }
  }
}
