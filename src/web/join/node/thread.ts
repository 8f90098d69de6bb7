/** One thread of the node: a Worker with an engine, and memory, of its own. */

import { TaskRunner } from '../../../worker/pages.js';
import type { LoadEngine, SharedState, ThreadTask } from '../../../worker/pages.js';
import type { FromThread, ToThread } from './talk.js';

export function serveAsThread(load: LoadEngine): void {
  const runner = new TaskRunner(load);
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
