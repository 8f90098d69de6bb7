/**
 * Tells a leak from noise. A leak grows in every round. Compiled code, the test runner's messages and uncollected garbage
 * grow in some rounds only, especially on a busy machine.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const ROUNDS = 6;

/**
 * @param round does many times what may leak
 * @param measure in bytes
 * @returns the smallest growth of a round; the first round does not count
 */
export async function leastGrowth(round: () => Promise<void>, measure: () => number): Promise<number> {
  await round();
  const growths: number[] = [];
  let before = measure();
  for (let count = 0; count < ROUNDS; count++) {
    await round();
    const after = measure();
    growths.push(after - before);
    before = after;
  }
  return Math.min(...growths);
}

/** The size of this thread's objects and buffers, without garbage. */
export function reachableBytes(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  collectGarbage(); // the second collection returns the buffers that the first one freed
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
