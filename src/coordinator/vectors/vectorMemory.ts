/**
 * Memory for the vectors that the coordinator computes with. Kernels use vectors in it in place. It is freed as a whole,
 * when none of its vectors is referenced.
 */

import { newSharedMemory } from '../../foundation/wasm/host.js';
import type { SharedWasmMemory } from '../../foundation/wasm/host.js';
import { GROUP_FLOATS } from './vectorKernelCode.js';

const PAGE_BYTES = 65_536;
/** 4 GiB of addresses, not of memory: the most that a memory can have. */
export const MAXIMUM_PAGES = 65_536;
const FLOAT_BYTES = 4;
/** The scratch memory holds a block for each operand, small enough for the second-level cache, and float64 scalars. */
export const MOST_OPERANDS = 3;
export const BLOCK_FLOATS = 8192;
export const SCALARS = 4;
const SCRATCH_FLOATS = MOST_OPERANDS * BLOCK_FLOATS + 2 * SCALARS;
const INITIAL_PAGES = 2; // room for the scratch memory
/** Vectors begin on a cache line and own the rest of their last one, which kernels compute too. */
const LINE_BYTES = GROUP_FLOATS * FLOAT_BYTES;

let latest: WeakRef<VectorMemory> | undefined;
const homes = new WeakMap<ArrayBufferLike, VectorMemory>();

export class VectorMemory {
  /** Shared, though with nobody: it can grow without taking its vectors away from their holders. */
  readonly memory: SharedWasmMemory;
  private endByte = LINE_BYTES;
  private readonly lengths = new Map<number, number>();
  /** For the kernels, which bring to it what lies elsewhere. */
  readonly scratch: Float32Array;

  /** @param roomBytes for vectors, reserved as addresses, which may be limited: what is never needed should not be asked for */
  constructor(roomBytes = MAXIMUM_PAGES * PAGE_BYTES) {
    const pages = INITIAL_PAGES + Math.ceil(roomBytes / PAGE_BYTES);
    this.memory = newSharedMemory(INITIAL_PAGES, Math.min(MAXIMUM_PAGES, pages));
    this.scratch = this.vector(SCRATCH_FLOATS);
    latest = new WeakRef(this);
  }

  /** A new vector of zeros. If there is no room, it lies outside this memory and kernels copy it. */
  vector(length: number): Float32Array {
    const byteOffset = this.endByte;
    const lines = Math.max(1, Math.ceil((length * FLOAT_BYTES) / LINE_BYTES));
    const endByte = byteOffset + lines * LINE_BYTES;
    if (!this.reachTo(endByte)) return new Float32Array(length);
    this.endByte = endByte;
    this.lengths.set(byteOffset, length);
    return new Float32Array(this.memory.buffer, byteOffset, length);
  }

  /** A new vector with the given values. */
  holding(values: Float32Array): Float32Array {
    const vector = this.vector(values.length);
    vector.set(values);
    return vector;
  }

  /** Whether the vector was made by `vector`. A view of a part does not count: kernels would change its surroundings. */
  made({ byteOffset, length }: Float32Array): boolean {
    return this.lengths.get(byteOffset) === length;
  }

  private reachTo(endByte: number): boolean {
    const missingPages = Math.ceil((endByte - this.memory.buffer.byteLength) / PAGE_BYTES);
    try {
      if (missingPages > 0) this.memory.grow(missingPages);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    homes.set(this.memory.buffer, this);
    return true;
  }
}

/** An existing memory if there is one, for vectors outside of all: they are copied through its scratch memory. */
export function anyMemory(): VectorMemory {
  return latest?.deref() ?? new VectorMemory(0);
}

/** The memory that made the vector, if one did. */
export function homeOf(vector: Float32Array): VectorMemory | undefined {
  const home = homes.get(vector.buffer);
  return home?.made(vector) === true ? home : undefined;
}
