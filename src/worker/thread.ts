/** One worker thread of Node, run by piscina, with all engines. */

import { loadEngine } from '../engine/index.js';
import { TaskRunner } from './taskRunner.js';
import type { ThreadAnswer, ThreadTask } from './task.js';

const runner = new TaskRunner(loadEngine);

export default function runTask(task: ThreadTask): Promise<ThreadAnswer> {
  return runner.run(task);
}
