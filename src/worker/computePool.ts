/** The worker threads of one node, as a piscina pool. */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { EngineChoice, EngineDescription } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { ThreadAnswer, ThreadTask } from './task.js';

/** The compiled thread, also where this file itself runs uncompiled, as in tests. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? '../../dist/worker/thread.js' : './thread.js';

export class ComputePool {
  private readonly pool: Piscina<ThreadTask, ThreadAnswer>;

  constructor(
    readonly engine: EngineChoice,
    readonly threads: number,
  ) {
    this.pool = new Piscina({
      filename: fileURLToPath(new URL(THREAD_FILE, import.meta.url)),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // Blocking waits would keep engines that work with promises and callbacks from making progress.
      atomics: 'disabled',
    });
    this.pool.on('error', () => undefined); // a thread that dies rejects its task, and piscina replaces it
  }

  /** What the engine says of itself. @throws LockstepError E_ENGINE_UNAVAILABLE */
  async describe(): Promise<EngineDescription> {
    const answer = await this.run({ kind: 'describe', engine: this.engine });
    if (answer.kind === 'description') return answer.description;
    throw new LockstepError('E_INTERNAL', `a thread answered ${answer.kind} when asked to describe itself`);
  }

  /** @throws LockstepError with the thread's own code and message */
  async run(task: ThreadTask): Promise<Exclude<ThreadAnswer, { kind: 'error' }>> {
    const answer = await this.pool.run(task);
    if (answer.kind === 'error') throw new LockstepError(answer.code, answer.message);
    return answer;
  }

  /** Ends the threads; tasks in progress are dropped. */
  close(): Promise<void> {
    return this.pool.destroy();
  }
}

/** Threads to use when none are asked for: one a core. */
export function defaultThreads(): number {
  return availableParallelism();
}
