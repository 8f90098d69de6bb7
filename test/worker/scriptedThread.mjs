/** In the place of a worker thread: does what the first label of its task says. Tells everyone when it frees its engine. */

import { BroadcastChannel, threadId } from 'node:worker_threads';

export const ANSWERS = 0;
export const HANGS = 1;
export const EXITS = 2;
export const THROWS_LATER = 3;
export const TAKES_LONG = 4;

export const DISPOSALS = 'disposals of scripted threads';

export default async function runTask(task) {
  if (task.kind === 'dispose') {
    const channel = new BroadcastChannel(DISPOSALS);
    channel.postMessage(threadId);
    channel.close();
    return { kind: 'disposed' };
  }
  const [what] = task.labels;
  if (what === HANGS) for (;;);
  if (what === EXITS) process.exit(7);
  if (what === THROWS_LATER) {
    setImmediate(() => {
      throw new Error('out of the blue');
    });
    await new Promise(() => undefined);
  }
  if (what === TAKES_LONG) await new Promise((resolve) => setTimeout(resolve, 1000));
  return { kind: 'evaluation', sampleCount: task.labels.length, lossSum: 1, correct: 1 };
}
