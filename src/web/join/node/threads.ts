/** The threads of a tab's node. They share no memory with it: what they need is handed over, and handed back. */

import { LockstepError } from '../../../foundation/errors.js';
import type {
  EngineChoice,
  EngineDescription,
  GradientOutput,
  ItemAnswer,
  ItemPool,
  ItemTask,
  ThreadAnswer,
} from '../../../worker/pages.js';
import { LOAD_AGAIN_AFTER_MS, THREAD_NAME } from './talk.js';
import type { FromThread, ToThread } from './talk.js';

interface Thread {
  readonly worker: Worker;
  /** Of the weights that it has. */
  version: number | undefined;
  settle: { resolve(answer: FromThread): void; reject(error: Error): void } | undefined;
  /** `running`: it has answered. `lost`: it ended without an answer, and waits to be started again. */
  state: 'loading' | 'running' | 'lost';
}

export class Threads implements ItemPool {
  private all: Thread[];
  private readonly outputs: GradientOutput[] = [];

  constructor(
    readonly engine: EngineChoice,
    readonly threads: number,
    private readonly scriptUrl: string,
  ) {
    this.all = Array.from({ length: threads }, () => this.start());
  }

  /** Once all threads have loaded. */
  async describe(): Promise<EngineDescription> {
    const asked = this.all.map(() => this.ask({ task: { kind: 'describe', engine: this.engine } }));
    const [{ answer }] = (await Promise.all(asked)) as [FromThread];
    if (answer.kind === 'description') return answer.description;
    throw unexpected(answer, 'describe');
  }

  async run({ state, ...task }: ItemTask): Promise<ItemAnswer> {
    const own = ownSamples(task);
    const output = task.kind === 'gradient' ? this.outputFor(state) : undefined;
    const { answer, output: filled } = await this.ask({ task: own, state, ...(output && { output }) });
    const release = (): void => {
      if (filled) this.outputs.push(filled);
    };
    if (answer.kind === 'gradient' && filled) return { ...answer, ...filled, release };
    release();
    if (answer.kind === 'evaluation') return answer;
    throw unexpected(answer, task.kind);
  }

  close(): void {
    for (const { worker } of this.all) worker.terminate();
    this.all = [];
  }

  private outputFor({ parameters, statistics }: ItemTask['state']): GradientOutput {
    const last = this.outputs.pop();
    const fits =
      last?.gradientSum.length === parameters.length && last.statisticSum.length === statistics.length;
    if (fits) return last;
    return {
      gradientSum: new Float32Array(parameters.length),
      statisticSum: new Float32Array(statistics.length),
    };
  }

  private ask({ task, state, output }: ToThread): Promise<FromThread> {
    const thread = this.all.find(({ settle, state }) => settle === undefined && state !== 'lost');
    if (!thread) return Promise.reject(new LockstepError('E_ENGINE_FAILED', 'no thread is free'));
    const message: ToThread = {
      task,
      ...(output && { output }),
      ...(state && thread.version !== state.version && { state }),
    };
    const transfer = [
      ...(task.kind === 'describe' ? [] : [task.pixels.buffer, task.labels.buffer]),
      ...(output ? [output.gradientSum.buffer, output.statisticSum.buffer] : []),
    ];
    if (state) thread.version = state.version;
    return new Promise((resolve, reject) => {
      thread.settle = { resolve, reject };
      thread.worker.postMessage(message, transfer as ArrayBuffer[]);
    });
  }

  private start(): Thread {
    const worker = new Worker(this.scriptUrl, { type: 'module', name: THREAD_NAME });
    const thread: Thread = { worker, version: undefined, settle: undefined, state: 'loading' };
    worker.addEventListener('message', ({ data }: MessageEvent<FromThread>) => {
      const { settle } = thread;
      thread.settle = undefined;
      thread.state = 'running';
      settle?.resolve(data);
    });
    worker.addEventListener('error', ({ message }) => this.replace(thread, message));
    return thread;
  }

  /** A thread that fails outside its task cannot be trusted with the next. */
  private replace(thread: Thread, reason: string): void {
    const { settle, state } = thread;
    thread.worker.terminate();
    thread.settle = undefined;
    thread.state = 'lost';
    const restart = (): void => {
      this.all = this.all.map((other) => (other === thread ? this.start() : other));
    };
    if (state === 'running') restart();
    else setTimeout(restart, LOAD_AGAIN_AFTER_MS); // it never answered: perhaps its script could not be loaded
    settle?.reject(
      new LockstepError('E_ENGINE_FAILED', `a thread ended while it computed: ${reason || 'unknown'}`),
    );
  }
}

/** The samples are views of a whole frame: copies of just them are handed over. */
export function ownSamples<Task extends Omit<ItemTask, 'state'>>(task: Task): Task {
  const samples = { ...task, pixels: task.pixels.slice(), labels: task.labels.slice() };
  const mirrored = 'mirrored' in task ? (task.mirrored as Uint8Array | null) : null;
  return mirrored === null ? samples : { ...samples, mirrored: mirrored.slice() };
}

function unexpected(answer: ThreadAnswer, asked: string): LockstepError {
  if (answer.kind === 'error') return new LockstepError(answer.code, answer.message);
  return new LockstepError('E_INTERNAL', `a thread answered ${answer.kind} to ${asked}`);
}
