/** The worker threads of one node, as a piscina pool. */

import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { EngineChoice, EngineDescription, EngineName } from '../engine/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import type { WireFormat } from '../foundation/wire/format.js';
import { refuseLittleAddressSpace } from './addressSpace.js';
import { HangWatch } from './hangWatch.js';
import type { HangLimits } from './hangWatch.js';
import type { ItemPool } from './itemPool.js';
import { usableProcessors } from './processors.js';
import type { ItemAnswer, ItemTask, ThreadAnswer, ThreadTask } from './task.js';
import { onSharedMemory, TaskMemoryPool } from './taskMemory.js';

/** The compiled thread. Also used if this file itself runs uncompiled, as in tests. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? '../../dist/worker/thread.js' : './thread.js';

/** Dawn aborts the process if a thread ends while the GPU computes for it, so `close` waits for these engines. */
const ENGINES_TO_WAIT_FOR: ReadonlySet<EngineName> = new Set(['webgpu']);

/** A thread that hangs must not keep its process from ending. */
const LONGEST_WAIT_MS = 30_000;

export interface PoolOptions {
  /** Replaces the thread's code, in tests. */
  readonly threadFile?: URL;
  readonly hangLimits?: HangLimits;
  /** WebAssembly memories of the coordinator's, if it computes in this process, too. */
  readonly coordinatorMemories?: number;
  /** The form of the run's gradients; left out: not known yet. */
  readonly wire?: WireFormat | undefined;
}

/** A thread hangs, or the machine is too busy for it. */
export class ItemTimeoutError extends LockstepError {
  constructor(
    readonly afterMs: number,
    options?: ErrorOptions,
  ) {
    const seconds = Math.round(afterMs / 1000);
    super('E_ENGINE_FAILED', `a thread had not finished an item after ${seconds} s, and was ended`, options);
    this.name = 'ItemTimeoutError';
  }
}

export class ComputePool implements ItemPool {
  private readonly pool: Piscina<ThreadTask, ThreadAnswer>;
  private readonly memories = new TaskMemoryPool();
  private readonly watch: HangWatch;
  private readonly running = new Set<Promise<unknown>>();
  private isClosed = false;
  /** Whether the memories that a compact form needs were counted. */
  private hasRoomForCompact: boolean;

  constructor(
    readonly engine: EngineChoice,
    readonly threads: number,
    {
      threadFile = new URL(THREAD_FILE, import.meta.url),
      hangLimits,
      coordinatorMemories = 0,
      wire = 'float32',
    }: PoolOptions = {},
  ) {
    this.hasRoomForCompact = wire !== 'float32';
    const isWireCompact = this.hasRoomForCompact;
    refuseLittleAddressSpace({ engine: engine.name, threads, coordinatorMemories, isWireCompact });
    this.watch = new HangWatch(hangLimits);
    this.pool = startThreads(threads, {
      filename: fileURLToPath(threadFile),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // Blocking waits would stop engines that use promises and callbacks.
      atomics: 'disabled',
      recordTiming: false, // nobody reads these histograms
    });
    this.pool.on('error', () => undefined); // a thread that dies rejects its task, and piscina replaces it
  }

  /** A node learns the form of the gradients only from its coordinator, when its threads are there. */
  refusalFor(wire: WireFormat): string | undefined {
    if (wire === 'float32' || this.hasRoomForCompact) return undefined;
    const { name: engine } = this.engine;
    const request = { engine, threads: this.threads, coordinatorMemories: 0, isWireCompact: true };
    try {
      refuseLittleAddressSpace({ ...request, areThreadsUp: true });
    } catch (error) {
      return describeError(error);
    }
    this.hasRoomForCompact = true;
    return undefined;
  }

  /** Loads the engine in a thread. @throws LockstepError E_ENGINE_UNAVAILABLE */
  async describe(): Promise<EngineDescription> {
    const answer = await this.answerOf({ kind: 'describe', engine: this.engine });
    if (answer.kind === 'description') return answer.description;
    throw unexpected(answer, 'describe');
  }

  /**
   * @throws LockstepError with the thread's own code and message; E_ENGINE_FAILED if the thread hangs or ends meanwhile:
   * another takes its place
   */
  async run(task: ItemTask): Promise<ItemAnswer> {
    const memory = this.memories.take(task);
    // If a task fails, its memory is dropped: the thread might still write to it.
    const answer = await this.answerOf(onSharedMemory(task, memory));
    const release = (): void => this.memories.giveBack(memory);
    if (answer.kind === 'gradient') return { ...answer, ...memory.output, release };
    release();
    if (answer.kind === 'evaluation') return answer;
    throw unexpected(answer, task.kind);
  }

  private async answerOf(task: ThreadTask): Promise<Exclude<ThreadAnswer, { kind: 'error' }>> {
    const answer = await this.runWatched(task);
    if (answer.kind === 'error') throw new LockstepError(answer.code, answer.message);
    return answer;
  }

  private async runWatched(task: ThreadTask): Promise<ThreadAnswer> {
    if (this.isClosed) throw new LockstepError('E_ENGINE_FAILED', 'the threads are being ended');
    const work = this.watchedWork(task);
    this.running.add(work);
    try {
      return await work;
    } finally {
      this.running.delete(work);
    }
  }

  private async watchedWork(task: ThreadTask): Promise<ThreadAnswer> {
    const ending = new EventEmitter(); // a tenth cheaper for the main thread, in all, than an AbortController
    let hungAfterMs: number | undefined;
    try {
      if (task.kind === 'describe') return await this.pool.run(task); // its time is not that of an item
      return await this.watch.follow(this.pool.run(task, { signal: ending }), (afterMs) => {
        hungAfterMs = afterMs;
        ending.emit('abort'); // ends the thread
      });
    } catch (error) {
      if (hungAfterMs !== undefined) throw new ItemTimeoutError(hungAfterMs, { cause: error });
      throw new LockstepError(
        'E_ENGINE_FAILED',
        `a thread ended while it computed: ${describeError(error)}`,
        { cause: error },
      );
    }
  }

  /** Ends the threads. Drops tasks in progress, or waits for them if ending them would abort the process. */
  async close(): Promise<void> {
    this.isClosed = true;
    // Piscina's own close() may not wait for all threads.
    if (ENGINES_TO_WAIT_FOR.has(this.engine.name)) {
      const enough = setTimeout(LONGEST_WAIT_MS, undefined, { ref: false });
      const isIdle = Promise.allSettled(this.running).then(() => this.disposeEngines());
      await Promise.race([isIdle, enough]);
    }
    await this.pool.destroy();
  }

  /**
   * Each thread closes its device itself, one after the other. On an NVIDIA H200 the process sometimes crashed while its
   * threads were ended with open devices. All threads are idle, so each gets one of the tasks.
   */
  private async disposeEngines(): Promise<void> {
    const turn = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    await Promise.allSettled(this.pool.threads.map(() => this.pool.run({ kind: 'dispose', turn })));
  }
}

/** @throws LockstepError E_RESOURCES if the system starts no more threads */
function startThreads(
  threads: number,
  options: ConstructorParameters<typeof Piscina>[0],
): Piscina<ThreadTask, ThreadAnswer> {
  try {
    return new Piscina(options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' && !describeError(error).includes('EAGAIN'))
      throw error;
    throw new LockstepError(
      'E_RESOURCES',
      `the system does not let this process start ${threads} worker thread(s): use fewer, or raise the limit of processes (ulimit -u, or the container's limit of pids)`,
      { cause: error },
    );
  }
}

function unexpected(answer: ThreadAnswer, asked: ThreadTask['kind']): LockstepError {
  return new LockstepError('E_INTERNAL', `a thread answered ${answer.kind} to ${asked}`);
}

/** The default number of threads: one per processor. */
export function defaultThreads(): number {
  return usableProcessors();
}
