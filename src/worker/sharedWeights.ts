/**
 * The weights that all threads of a node read, in shared memory. Two slots take turns: a thread that is late with an
 * item of the round before still reads what it was given, while the next version is written beside it.
 */

import { floatsFromLittleEndian } from '../foundation/littleEndian.js';
import type { Parameters } from '../protocol/index.js';
import type { SharedState } from './task.js';

const SLOTS = 2;

/** Unique in this process: another coordinator's versions must not be taken for this one's by a thread's caches. */
let replacements = 0;

export class SharedWeights {
  private readonly slots: readonly Omit<SharedState, 'version'>[];
  private next = 0;
  private latest: SharedState | undefined;

  constructor(
    private readonly parameterCount: number,
    private readonly statisticCount: number,
  ) {
    this.slots = Array.from({ length: SLOTS }, () => ({
      parameters: sharedFloats(parameterCount),
      statistics: sharedFloats(statisticCount),
    }));
  }

  get current(): SharedState | undefined {
    return this.latest;
  }

  /** Takes a copy. @returns false if the lengths are not the model's */
  replace({ parameters, statistics }: Parameters): boolean {
    if (
      parameters.byteLength !== 4 * this.parameterCount ||
      statistics.byteLength !== 4 * this.statisticCount
    ) {
      return false;
    }
    const slot = this.slots[this.next % SLOTS]!;
    this.next++;
    slot.parameters.set(floatsFromLittleEndian(parameters));
    slot.statistics.set(floatsFromLittleEndian(statistics));
    this.latest = { version: ++replacements, ...slot };
    return true;
  }
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
