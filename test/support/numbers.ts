/** Test values from formulas that any language can reproduce, and distances between vectors. */

/** MurmurHash3's 32-bit finaliser: mixes an index into an unsigned 32-bit integer. */
export function hash32(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** `length` float32 values in [-amplitude, amplitude); element i is a pure function of seed + i. */
export function hashedValues(length: number, seed: number, amplitude = 1): Float32Array {
  return Float32Array.from({ length }, (_, index) => (hash32(seed + index) / 2 ** 31 - 1) * amplitude);
}

export function hashedLabels(length: number, seed: number, classCount: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => hash32(seed + index) % classCount);
}

/** ||a - b|| / ||b||; 0 if both are zero. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let index = 0; index < expected.length; index++) {
    difference += (actual[index]! - expected[index]!) ** 2;
    size += expected[index]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}

/** max |a - b| / max |b|; 0 if both are zero. */
export function largestRelativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let index = 0; index < expected.length; index++) {
    difference = Math.max(difference, Math.abs(actual[index]! - expected[index]!));
    size = Math.max(size, Math.abs(expected[index]!));
  }
  return difference === 0 ? 0 : difference / size;
}
