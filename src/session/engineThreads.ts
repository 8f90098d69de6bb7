/** Which engine the threads of a process compute with, and how many threads there are. */

import type { EngineChoice } from '../engine/index.js';

/**
 * The engine, tuned to its device where there is a folder for what was measured.
 * @param cacheFolder undefined: not tuned
 */
export function withTuning<Chosen extends EngineChoice>(
  chosen: Chosen,
  cacheFolder: string | undefined,
): Chosen {
  return cacheFolder === undefined ? chosen : { ...chosen, tuning: { cacheFolder, mayMeasure: true } };
}

/** One worker on a GPU uploads while another computes; more of them only take its memory. */
const WORKERS_OF_A_GPU = 2;

/**
 * Threads to start. TensorFlow gets one unless the number was given: it uses all cores by itself.
 * @param given whether the number was given; else `threads` is one for each core
 */
export function threadsFor({ name, device }: EngineChoice, threads: number, given: boolean): number {
  if (given) return threads;
  if (name === 'tensorflow') return 1;
  return device === undefined ? threads : Math.min(WORKERS_OF_A_GPU, threads);
}
