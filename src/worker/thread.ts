/**
 * One worker thread of Node, run by piscina, with all engines.
 *
 * It imports nothing at its top. Piscina loads this file with `require`, and Node (seen with 20.20) aborts the whole
 * process if a thread is ended while `require` links the imports of an ES module. `import()` does not.
 */

import type { ThreadAnswer, ThreadTask } from './task.js';

const loading = loadRunner();
loading.catch(() => undefined); // each task tells

async function loadRunner() {
  const [{ loadEngine }, { TaskRunner }] = await Promise.all([
    import('../engine/index.js'),
    import('./taskRunner.js'),
  ]);
  return new TaskRunner(loadEngine);
}

export default async function runTask(task: ThreadTask): Promise<ThreadAnswer> {
  const runner = await loading;
  return runner.run(task);
}
