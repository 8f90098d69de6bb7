/** In the place of a worker thread: does what the first label of its task says. Tells everyone when it freed its engine. */

import { setTimeout } from 'node:timers/promises';
import { BroadcastChannel, threadId } from 'node:worker_threads';

export const ANSWERS = 0;
export const HANGS = 1;
export const EXITS = 2;
export const THROWS_LATER = 3;
export const TAKES_LONG = 4;

/** The channel on which each thread says from when to when its engine was being freed. */
export const DISPOSALS = 'disposals of scripted threads';

/** As a real thread, with an engine whose device takes a while to close. */
async function dispose(task) {
  // Not at the top, for the reason given in src/worker/thread.ts.
  const { TaskRunner } = await import('../../dist/worker/taskRunner.js');
  const runner = new TaskRunner(() => undefined);
  const times = {};
  const engine = {
    closed: undefined,
    dispose() {
      times.fromMs = Date.now();
      engine.closed = setTimeout(100).then(() => (times.toMs = Date.now()));
    },
  };
  runner.loaded = { engine };
  const answer = await runner.run(task);
  const channel = new BroadcastChannel(DISPOSALS);
  channel.postMessage({ threadId, ...times });
  channel.close();
  return answer;
}

export default async function runTask(task) {
  if (task.kind === 'dispose') return dispose(task);
  const [what] = task.labels;
  if (what === HANGS) for (;;);
  if (what === EXITS) process.exit(7);
  if (what === THROWS_LATER) {
    setImmediate(() => {
      throw new Error('out of the blue');
    });
    await new Promise(() => undefined);
  }
  if (what === TAKES_LONG) await setTimeout(1000);
  return { kind: 'evaluation', sampleCount: task.labels.length, lossSum: 1, correct: 1 };
}
