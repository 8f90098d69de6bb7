/** One thread of the node: a Worker with an engine and a WebAssembly memory of its own. */

import { simdEngine } from '../../../engine/simd/index.js';
import { TaskRunner } from '../../../worker/pages.js';
import type { EngineChoice, SharedState, ThreadTask } from '../../../worker/pages.js';
import type { FromThread, ToThread } from './talk.js';

export function serveAsThread(): void {
  const runner = new TaskRunner(({ numerics }: EngineChoice, model) => simdEngine.load(model, numerics));
  let state: SharedState | undefined;
  self.addEventListener('message', ({ data }: MessageEvent<ToThread>) => {
    state = data.state ?? state;
    void answer(runner, { ...data.task, state, output: data.output } as ThreadTask, data.output);
  });
}

async function answer(runner: TaskRunner, task: ThreadTask, output: ToThread['output']): Promise<void> {
  const message: FromThread = { answer: await runner.run(task), ...(output && { output }) };
  const transfer = output ? [output.gradientSum.buffer, output.statisticSum.buffer] : [];
  self.postMessage(message, { transfer: transfer as ArrayBuffer[] });
}
