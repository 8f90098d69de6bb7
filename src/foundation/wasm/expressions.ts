/**
 * WebAssembly expressions as values. An expression is byte code that leaves its result on the stack. Operators
 * concatenate byte code, so kernels read like arithmetic. Opcodes: WebAssembly core specification 2.0, section 5.4, and the
 * relaxed SIMD proposal.
 */

import { signedLeb128, unsignedLeb128 } from './encoding.js';
import type { Code } from './encoding.js';

export type ValueType = 'i32' | 'f32' | 'v128';

export interface Expression<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: Code;
}

export type I32 = Expression<'i32'>;
export type F32 = Expression<'f32'>;
export type V128 = Expression<'v128'>;

const i32 = (...code: Code): I32 => ({ type: 'i32', code });
const v128 = (...code: Code): V128 => ({ type: 'v128', code });

/** Opcode behind the SIMD prefix. */
const simd = (opcode: number): Code => [0xfd, unsignedLeb128(opcode)];

/** Static offset and alignment hint of a memory instruction. */
export const memoryArgument = (alignmentLog2: number, byteOffset: number): Code => [
  alignmentLog2,
  unsignedLeb128(byteOffset),
];

export const constant = (value: number): I32 => i32(0x41, signedLeb128(value));
export const add = (a: I32, b: I32): I32 => i32(a.code, b.code, 0x6a);
export const subtract = (a: I32, b: I32): I32 => i32(a.code, b.code, 0x6b);
export const multiply = (a: I32, b: I32): I32 => i32(a.code, b.code, 0x6c);

/** Of counts, rounded down. */
export const divide = (a: I32, b: I32): I32 => i32(a.code, b.code, 0x6e);

/** The smaller of two counts. */
export const smaller = (a: I32, b: I32): I32 => i32(a.code, b.code, a.code, b.code, 0x49, 0x1b);

/** An i32 count as a vector of four equal floats. */
export const splatInteger = (count: I32): V128 => v128(count.code, 0xb2, simd(0x13));

/** An i32 in all four lanes: as floats, those of these bits. */
export const splatBits = (bits: I32): V128 => v128(bits.code, simd(0x11));

/** 1 if the vectors are equal bit for bit, else 0. */
export const allBitsEqual = (a: V128, b: V128): I32 => i32(a.code, b.code, simd(0x37), simd(0xa3));

export const load = (address: I32, byteOffset = 0): V128 =>
  v128(address.code, simd(0x00), memoryArgument(2, byteOffset));

/** One float32 of memory in all four lanes: on x64 a plain load, cheaper than a shuffle. */
export const loadSplat = (address: I32, byteOffset = 0): V128 =>
  v128(address.code, simd(0x09), memoryArgument(2, byteOffset));

/** The same float32 constant in all four lanes. */
export function vector(value: number): V128 {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let lane = 0; lane < 4; lane++) view.setFloat32(4 * lane, value, true);
  return v128(simd(0x0c), [...bytes]);
}

export const addVectors = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xe4));
export const subtractVectors = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xe5));
export const multiplyVectors = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xe6));
export const divideVectors = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xe7));
/** A NaN where either is one. */
export const maximum = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xe9));
export const absolute = (a: V128): V128 => v128(a.code, simd(0xe0));
export const equal = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x41));
export const greaterThan = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x44));
export const bitwiseAnd = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x4e));
/** a and not b */
export const andNot = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x4f));
export const bitwiseOr = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x50));
/** The bits of a where the mask's are ones, else those of b. */
export const select = (a: V128, b: V128, mask: V128): V128 => v128(a.code, b.code, mask.code, simd(0x52));

/** Four floats of the eight of a (0 to 3) and b (4 to 7). */
export const shuffle = (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 => {
  const bytes = lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
  return v128(a.code, b.code, simd(0x0d), bytes);
};

/** a < b ? b : a, one instruction on x64; a NaN in `a` stays NaN. */
export const pseudoMaximum = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xeb));

/** b < a ? b : a, one instruction on x64; a NaN in `a` stays NaN. */
export const pseudoMinimum = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xea));

/** a b + c, with one rounding if the host fuses, otherwise two: the only operation whose bits depend on the host. */
export const relaxedMultiplyAdd = (a: V128, b: V128, c: V128): V128 =>
  v128(a.code, b.code, c.code, simd(0x105));

/*
 * int32, four lanes: the bits of floats, and whole numbers.
 */

/** The same 32 bits in all four lanes. */
export function integerVector(value: number): V128 {
  return splatBits(constant(value | 0));
}

export const addIntegers = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xae));
export const subtractIntegers = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xb1));
export const smallerInteger = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xb6));
export const largerInteger = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xb8));
/** Ones where a > b, as signed numbers. */
export const integerAbove = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x3b));
export const shiftLeft = (a: V128, bits: number): V128 => v128(a.code, constant(bits).code, simd(0xab));
/** Keeps the sign. */
export const shiftRight = (a: V128, bits: number): V128 => v128(a.code, constant(bits).code, simd(0xac));
/** Fills with zeros. */
export const shiftRightUnsigned = (a: V128, bits: number): V128 =>
  v128(a.code, constant(bits).code, simd(0xad));
export const bitwiseXor = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x51));
/** The unsigned 64-bit products of lanes 0 and 1. */
export const lowerProducts = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xde));
/** The unsigned 64-bit products of lanes 2 and 3. */
export const upperProducts = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xdf));

/** To the nearest whole number, the even one of two. */
export const nearest = (floats: V128): V128 => v128(floats.code, simd(0x6a));
/** Floats without their fractions; a NaN becomes 0, and what is too large the nearest integer. */
export const truncated = (floats: V128): V128 => v128(floats.code, simd(0xf8));
export const toFloats = (integers: V128): V128 => v128(integers.code, simd(0xfa));

/** The eight lanes of a and b as int16; what is too large becomes the nearest. */
export const toShorts = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x85));
/** The sixteen int16 of a and b as int8; what is too large becomes the nearest. */
export const toBytes = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0x65));
/** Of sixteen int8, the first or the last eight as int16. */
export const lowerShorts = (bytes: V128): V128 => v128(bytes.code, simd(0x87));
export const upperShorts = (bytes: V128): V128 => v128(bytes.code, simd(0x88));
/** Of eight int16, the first or the last four as int32. */
export const lowerIntegers = (shorts: V128): V128 => v128(shorts.code, simd(0xa7));
export const upperIntegers = (shorts: V128): V128 => v128(shorts.code, simd(0xa8));

/** The upper halves of the eight lanes of a and b. */
export const upperHalves = (a: V128, b: V128): V128 => {
  const bytes = Array.from({ length: 8 }, (_, lane) => [4 * lane + 2, 4 * lane + 3]).flat();
  return v128(a.code, b.code, simd(0x0d), bytes);
};

/** One byte of memory in all sixteen. */
export const loadByteSplat = (address: I32, byteOffset = 0): V128 =>
  v128(address.code, simd(0x07), memoryArgument(0, byteOffset));

/*
 * float64, two lanes. A float32 converts to float64 exactly and is rounded once on the way back, so arithmetic in between
 * equals that of a JavaScript expression over a Float32Array.
 */

/** Two consecutive float32 of memory, widened. */
export const loadWidened = (address: I32, byteOffset = 0): V128 =>
  v128(address.code, simd(0x5d), memoryArgument(2, byteOffset), simd(0x5f));

/** The lower two float32, widened. */
export const widened = (floats: V128): V128 => v128(floats.code, simd(0x5f));

/** Rounded to float32 in the lower two lanes; the upper lanes are zero. */
export const narrowed = (doubles: V128): V128 => v128(doubles.code, simd(0x5e));

/** One float64 of memory in both lanes. */
export const loadDoubleSplat = (address: I32, byteOffset = 0): V128 =>
  v128(address.code, simd(0x0a), memoryArgument(3, byteOffset));

export const addDoubles = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xf0));
export const subtractDoubles = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xf1));
export const multiplyDoubles = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xf2));
export const divideDoubles = (a: V128, b: V128): V128 => v128(a.code, b.code, simd(0xf3));
