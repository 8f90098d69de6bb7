/**
 * tfjs has one current backend per thread, in global state. Engines of different backends share a thread by taking turns:
 * all code that uses tfjs runs inside `exclusively`, and selects its backend first.
 */

import type { TensorFlow } from './backend.js';

let lastInLine: Promise<unknown> = Promise.resolve();

/** Runs a task when all tasks before it have settled. */
export function exclusively<Result>(task: () => Result | Promise<Result>): Promise<Result> {
  const turn = lastInLine.then(task);
  lastInLine = turn.catch(() => undefined);
  return turn;
}

/** Makes an initialised backend the current one. tfjs has done so when `setBackend` returns its promise. */
export function selectBackend(tf: TensorFlow, registeredName: string): void {
  if (tf.getBackend() !== registeredName) void tf.setBackend(registeredName);
}
