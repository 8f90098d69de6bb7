/** The threads of a node, as a conversation sees them: those of a process (computePool.ts), or those of a page. */

import type { EngineChoice } from '../engine/index.js';
import type { WireFormat } from '../foundation/wire/format.js';
import type { ItemAnswer, ItemTask } from './task.js';

export interface ItemPool {
  readonly engine: EngineChoice;
  readonly threads: number;
  /** Why a run whose gradients travel in this form cannot be computed here; left out, or undefined: it can. */
  refusalFor?(wire: WireFormat): string | undefined;
  /**
   * Computes in a free thread. The samples may change as soon as this has returned.
   * @throws LockstepError with the thread's own code and message; E_ENGINE_FAILED if it ends meanwhile
   */
  run(task: ItemTask): Promise<ItemAnswer>;
}
