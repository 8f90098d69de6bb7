/** Which engine the threads of a process compute with, and how many threads there are. */

import type { Sentence } from '../foundation/options/optionError.js';
import type { ChosenEngine, EngineChoice, EngineName } from '../engine/index.js';

const TUNED_ENGINE: EngineName = 'webgpu';

interface TuningOptions {
  readonly tune: boolean;
  /** For what was measured; undefined: not tuned. */
  readonly cacheFolder: string | undefined;
}

/** The engine, tuned to its device if that is wanted and there is a folder for what was measured. */
export function withTuning(chosen: ChosenEngine, { tune, cacheFolder }: TuningOptions): ChosenEngine {
  if (!tune && chosen.name !== TUNED_ENGINE) {
    const notice: Sentence = [
      { option: 'tune', value: false },
      ` has no effect: the engine is ${chosen.name}, and only ${TUNED_ENGINE} is tuned to its device; leave it out`,
    ];
    return { ...chosen, notice };
  }
  if (!tune || cacheFolder === undefined) return chosen;
  return { ...chosen, tuning: { cacheFolder, mayMeasure: true } };
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
