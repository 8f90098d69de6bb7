/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 *
 * Every random decision in Lockstep is a pure function of (seed, what it is for, where it is used), so it does not
 * matter who draws it, when, or how often. A `RandomKey` identifies one such stream; `deriveKey` derives it from the
 * run's seed by a path of integers, such as (seed, purpose, epoch, step, micro-batch).
 */

import { deterministicLog } from './deterministicMath.js';
import { OptionError, use } from './options/optionError.js';

/** Two unsigned 32-bit words. Small enough to send in a message. */
export type RandomKey = readonly [number, number];

/** The first element of every path: separates the streams of different purposes. Never renumber: weights depend on it. */
export const Purpose = {
  initialisation: 1,
  split: 2,
  shuffle: 3,
  augmentation: 4,
  dropout: 5,
  synthetic: 6,
  flip: 7,
  rounding: 8,
  simulation: 9,
} as const;

/** Of Philox4x32-10, also for its form in WebAssembly (`wire/philoxCode.ts`). */
export const MULTIPLIER_0 = 0xd2511f53;
export const MULTIPLIER_1 = 0xcd9e8d57;
export const WEYL_0 = 0x9e3779b9;
export const WEYL_1 = 0xbb67ae85;
export const ROUNDS = 10;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** One Philox4x32-10 block: 128 random bits for a 128-bit counter under a 64-bit key, written to `out`. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: RandomKey,
  out: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Splits a seed (an integer from 0 to 2^53 - 1) into the root key of a run. */
export function seedKey(seed: number): RandomKey {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError(
      [{ option: 'seed', value: seed }, ' must be an integer from 0 to 2^53 - 1'],
      [use('seed', 1)],
    );
  }
  return [seed >>> 0, Math.floor(seed / 0x1_0000_0000)];
}

const CHILD_MARKER = 0x4c6f636b; // "Lock": separates key derivation from the streams' own counters

/** The key of a sub-stream: one Philox block per path element, so that different paths never share a stream. */
export function deriveKey(parent: RandomKey, ...path: readonly number[]): RandomKey {
  const block = new Uint32Array(4);
  let key = parent;
  for (const element of path) {
    philox4x32([element >>> 0, Math.floor(element / 0x1_0000_0000) >>> 0, CHILD_MARKER, 1], key, block);
    key = [block[0]!, block[1]!];
  }
  return key;
}

/** Draws numbers one after another from the stream of a key. */
export class RandomStream {
  private readonly block = new Uint32Array(4);
  private blockIndex = 0;
  private position = 4;
  private spareNormal: number | undefined;

  constructor(private readonly key: RandomKey) {}

  nextUint32(): number {
    if (this.position === 4) {
      philox4x32(
        [this.blockIndex >>> 0, Math.floor(this.blockIndex / 0x1_0000_0000), 0, 0],
        this.key,
        this.block,
      );
      this.blockIndex++;
      this.position = 0;
    }
    return this.block[this.position++]!;
  }

  /** Uniform in [0, 1), with 32 random bits. */
  nextUniform(): number {
    return this.nextUint32() / 0x1_0000_0000;
  }

  /** Uniform integer in [0, bound), without modulo bias. `bound` is from 1 to 2^32. */
  nextBelow(bound: number): number {
    const limit = Math.floor(0x1_0000_0000 / bound) * bound;
    let value = this.nextUint32();
    while (value >= limit) value = this.nextUint32();
    return value % bound;
  }

  /** Standard normal (Marsaglia's polar method), from operations whose results IEEE 754 defines exactly. */
  nextNormal(): number {
    if (this.spareNormal !== undefined) {
      const spare = this.spareNormal;
      this.spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.nextUniform() - 1;
      const v = 2 * this.nextUniform() - 1;
      const squared = u * u + v * v;
      if (squared > 0 && squared < 1) {
        const factor = Math.sqrt((-2 * deterministicLog(squared)) / squared);
        this.spareNormal = v * factor;
        return u * factor;
      }
    }
  }
}

/** A uniformly random order of 0 … length-1 (Fisher–Yates). */
export function randomPermutation(length: number, key: RandomKey): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  const stream = new RandomStream(key);
  for (let last = length - 1; last > 0; last--) {
    const other = stream.nextBelow(last + 1);
    const held = order[last]!;
    order[last] = order[other]!;
    order[other] = held;
  }
  return order;
}
