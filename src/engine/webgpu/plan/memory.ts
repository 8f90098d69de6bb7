/** Which storages can share a buffer: those that are never needed at the same time. */

import type { Storage } from '../kernels/kernelSource.js';
import type { DevicePlan } from './devicePlan.js';

export interface BufferAssignment {
  /** Float32 elements of each buffer. */
  readonly lengths: readonly number[];
  /** Index of each storage's buffer. */
  readonly bufferOf: ReadonlyMap<Storage, number>;
}

interface Lifetime {
  readonly storage: Storage;
  readonly first: number;
  readonly last: number;
}

/**
 * @param external storages that are elsewhere, such as the parameters
 */
export function assignBuffers(plan: DevicePlan, external: ReadonlySet<Storage>): BufferAssignment {
  const lengths: number[] = [];
  const bufferOf = new Map<Storage, number>();
  const free: number[] = [];
  const lifetimes = lifetimesOf(plan).filter(({ storage }) => !external.has(storage));
  const ends = lifetimes.toSorted((left, right) => left.last - right.last);
  let ended = 0;
  for (const { storage, first } of lifetimes) {
    for (; ended < ends.length && ends[ended]!.last < first; ended++) {
      free.push(bufferOf.get(ends[ended]!.storage)!);
    }
    const place = free.findIndex((buffer) => lengths[buffer] === storage.length);
    if (place >= 0) {
      bufferOf.set(storage, free.splice(place, 1)[0]!);
    } else {
      bufferOf.set(storage, lengths.push(storage.length) - 1);
    }
  }
  return { lengths, bufferOf };
}

/** In the order of first use. Uploads and results are alive all the time. */
function lifetimesOf({ dispatches, input, outputs }: DevicePlan): Lifetime[] {
  const first = new Map<Storage, number>();
  const last = new Map<Storage, number>();
  for (const { storage } of [input.whole, ...outputs]) {
    first.set(storage, -1);
    last.set(storage, dispatches.length);
  }
  dispatches.forEach(({ bindings }, index) => {
    for (const { range } of bindings) {
      if (!first.has(range.storage)) first.set(range.storage, index);
      if (last.get(range.storage) !== dispatches.length) last.set(range.storage, index);
    }
  });
  return [...first]
    .map(([storage, index]) => ({ storage, first: index, last: last.get(storage)! }))
    .sort((left, right) => left.first - right.first);
}
