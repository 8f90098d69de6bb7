/**
 * The weights, in memory that all threads of a node share; a page has none, and its threads get copies. There are two
 * slots, used in turn: a thread that is late with an item of the previous round still reads its own version while the next
 * one is written to the other slot.
 */

import { floatsFromLittleEndian } from '../foundation/littleEndian.js';
import { wireByteLength } from '../foundation/wire/format.js';
import { unpackFromWire } from '../foundation/wire/kernels.js';
import type { Parameters } from '../protocol/index.js';
import type { SharedState } from './task.js';

const SLOTS = 2;

/** Numbers the versions of all coordinators in this process, so that a thread's cache never confuses two of them. */
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

  /** Copies the weights into the next slot. @returns false if the lengths do not fit the model */
  replace({ wire, parameters, statistics }: Parameters): boolean {
    if (
      parameters.byteLength !== wireByteLength(wire, this.parameterCount) ||
      statistics.byteLength !== 4 * this.statisticCount
    ) {
      return false;
    }
    const slot = this.slots[this.next % SLOTS]!;
    this.next++;
    const unpacked = unpackFromWire(wire, parameters, () => slot.parameters);
    if (unpacked !== slot.parameters) slot.parameters.set(unpacked);
    slot.statistics.set(floatsFromLittleEndian(statistics));
    this.latest = { version: ++replacements, ...slot };
    return true;
  }
}

const Memory = typeof SharedArrayBuffer === 'undefined' ? ArrayBuffer : SharedArrayBuffer;

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new Memory(length * Float32Array.BYTES_PER_ELEMENT));
}
