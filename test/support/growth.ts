/**
 * Tells a leak from noise. A leak grows in every round; compiled code, the test runner's own messages and garbage that
 * waits for its collection grow in some rounds only, the more so on a busy machine.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const ROUNDS = 6;

/**
 * @param round does what might leak, many times
 * @param measure in bytes
 * @returns the growth of the round that grew least, after a first one that is not counted
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

/** What this thread's objects and buffers occupy, garbage not counted. */
export function reachableBytes(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  collectGarbage(); // buffers that the first one found free are given back by the second
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
