/**
 * The code that rounds vectors to a wire format, packs rounded vectors, and unpacks them. It works on whole blocks of 32
 * values; a vector that does not fill its last one is followed by zeros. Each step is exact or rounds as IEEE 754 says, so
 * the bits are the same on every host.
 */

import { FunctionBuilder } from '../wasm/functionBuilder.js';
import type { Local } from '../wasm/functionBuilder.js';
import type { NamedFunction } from '../wasm/module.js';
import * as wasm from '../wasm/expressions.js';
import type { I32, V128 } from '../wasm/expressions.js';
import { BLOCK_BYTES, BLOCK_VALUES } from './format.js';
import { emitPhilox } from './philoxCode.js';

const VECTOR_BYTES = 16;
const VALUE_BYTES = 4 * BLOCK_VALUES;
const VECTORS = VALUE_BYTES / VECTOR_BYTES;
/** A block draws as many numbers of 128 bits: 16 bits a value. */
const COUNTERS_PER_BLOCK = 4;

const INFINITY_BITS = 0x7f800000;
const NAN_BITS = 0x7fc00000;
const MAGNITUDE_BITS = 0x7fffffff;
const MANTISSA_BITS = 23;
/** Of 2^0 in the exponent of a float32. */
const EXPONENT_BIAS = 127;
/** Scales below this are not used: 2^16 over the scale must be a float32. */
const SMALLEST_EXPONENT = 17;

export type WireKernelName = 'roundBfloat16' | 'packBfloat16' | 'unpackBfloat16' | Int8KernelName;
type Int8KernelName = 'roundInt8' | 'packInt8' | 'unpackInt8';

export function emitWireKernels(): readonly (NamedFunction & { readonly name: WireKernelName })[] {
  return [
    { name: 'roundBfloat16', builder: emitRoundBfloat16() },
    { name: 'packBfloat16', builder: emitPackBfloat16() },
    { name: 'unpackBfloat16', builder: emitUnpackBfloat16() },
    { name: 'roundInt8', builder: emitRoundInt8() },
    { name: 'packInt8', builder: emitPackInt8() },
    { name: 'unpackInt8', builder: emitUnpackInt8() },
  ];
}

/** Parameters: values, number of blocks. */
function emitRoundBfloat16(): FunctionBuilder {
  const f = new FunctionBuilder(2);
  forEachBlock(f, { count: 1, operands: [VALUE_BYTES] }, ([values]) => {
    for (const offset of vectorOffsets()) {
      const bits = f.variable(wasm.load(values!, offset));
      const isOdd = wasm.bitwiseAnd(wasm.shiftRight(bits, 16), wasm.integerVector(1));
      const half = wasm.addIntegers(wasm.integerVector(0x7fff), isOdd);
      const rounded = wasm.bitwiseAnd(wasm.addIntegers(bits, half), wasm.integerVector(0xffff0000));
      const isNan = wasm.integerAbove(magnitude(bits), wasm.integerVector(INFINITY_BITS));
      f.store(values!, nanWhere(isNan, rounded), offset);
    }
  });
  return f;
}

/** Parameters: values, bytes, number of blocks. */
function emitPackBfloat16(): FunctionBuilder {
  const f = new FunctionBuilder(3);
  forEachBlock(f, { count: 2, operands: [VALUE_BYTES, VALUE_BYTES / 2] }, ([values, bytes]) => {
    for (const offset of vectorOffsets(2)) {
      const [first, second] = [wasm.load(values!, offset), wasm.load(values!, offset + VECTOR_BYTES)];
      f.store(bytes!, wasm.upperHalves(first, second), offset / 2);
    }
  });
  return f;
}

/** Parameters: bytes, values, number of blocks. */
function emitUnpackBfloat16(): FunctionBuilder {
  const f = new FunctionBuilder(3);
  forEachBlock(f, { count: 2, operands: [VALUE_BYTES / 2, VALUE_BYTES] }, ([bytes, values]) => {
    for (const offset of vectorOffsets(2)) {
      const shorts = f.variable(wasm.load(bytes!, offset / 2));
      f.store(values!, wasm.shiftLeft(wasm.lowerIntegers(shorts), 16), offset);
      f.store(values!, wasm.shiftLeft(wasm.upperIntegers(shorts), 16), offset + VECTOR_BYTES);
    }
  });
  return f;
}

/**
 * Parameters: values, the words of the key, the first block's index, number of blocks. A value becomes q times its block's
 * scale, where q = floor(value / scale + u) and u is uniform in [0, 1): right on average. Value e of block k takes the lower
 * half of a word if e < 16, else the upper: word e / 4 mod 4 of counter 4 k + e mod 4.
 */
function emitRoundInt8(): FunctionBuilder {
  const f = new FunctionBuilder(5);
  const key = [f.variable(splat(f.parameter(1))), f.variable(splat(f.parameter(2)))] as const;
  const first = wasm.multiply(f.parameter(3), wasm.constant(COUNTERS_PER_BLOCK));
  const counters = f.variable(wasm.addIntegers(splat(first), laneNumbers(f)));
  forEachBlock(f, { count: 4, operands: [VALUE_BYTES] }, ([values]) => {
    const words = emitPhilox(f, counters, key);
    f.set(counters, wasm.addIntegers(counters, wasm.integerVector(COUNTERS_PER_BLOCK)));
    const { exponent, isNotFinite } = emitScale(f, values!);
    const over = wasm.subtractIntegers(wasm.integerVector(2 * EXPONENT_BIAS + 16), exponent);
    const factor = f.variable(wasm.shiftLeft(over, MANTISSA_BITS)); // 2^16 / scale
    const scale = f.variable(wasm.shiftLeft(exponent, MANTISSA_BITS));
    for (const [index, offset] of vectorOffsets().entries()) {
      const word = words[index % words.length]!;
      const random =
        index < words.length
          ? wasm.bitwiseAnd(word, wasm.integerVector(0xffff))
          : wasm.shiftRightUnsigned(word, 16);
      const fixed = wasm.truncated(wasm.nearest(wasm.multiplyVectors(wasm.load(values!, offset), factor)));
      const whole = wasm.shiftRight(wasm.addIntegers(fixed, random), 16);
      const rounded = wasm.multiplyVectors(wasm.toFloats(whole), scale);
      f.store(values!, nanWhere(isNotFinite, rounded), offset);
    }
  });
  return f;
}

/** Parameters: values that are rounded, bytes, number of blocks. The scale is found again, or a smaller one: both are exact. */
function emitPackInt8(): FunctionBuilder {
  const f = new FunctionBuilder(3);
  forEachBlock(f, { count: 2, operands: [VALUE_BYTES, BLOCK_BYTES] }, ([values, bytes]) => {
    const { exponent, isNotFinite } = emitScale(f, values!);
    const over = wasm.subtractIntegers(wasm.integerVector(2 * EXPONENT_BIAS), exponent);
    const factor = f.variable(wasm.shiftLeft(over, MANTISSA_BITS)); // 1 / scale
    const whole = vectorOffsets().map((offset) =>
      wasm.truncated(wasm.multiplyVectors(wasm.load(values!, offset), factor)),
    );
    f.storeLowByte(bytes!, wasm.bitwiseOr(exponent, isNotFinite));
    for (const half of [0, 1]) {
      const [a, b, c, d] = whole.slice(4 * half) as [V128, V128, V128, V128];
      const narrow = wasm.toBytes(wasm.toShorts(a, b), wasm.toShorts(c, d));
      f.store(bytes!, narrow, 1 + VECTOR_BYTES * half);
    }
  });
  return f;
}

/** Parameters: bytes, values, number of blocks. */
function emitUnpackInt8(): FunctionBuilder {
  const f = new FunctionBuilder(3);
  forEachBlock(f, { count: 2, operands: [BLOCK_BYTES, VALUE_BYTES] }, ([bytes, values]) => {
    const exponent = wasm.bitwiseAnd(wasm.loadByteSplat(bytes!), wasm.integerVector(0xff));
    const scale = f.variable(wasm.shiftLeft(exponent, MANTISSA_BITS)); // infinite if the exponent is 255
    for (const half of [0, 1]) {
      const packed = f.variable(wasm.load(bytes!, 1 + VECTOR_BYTES * half));
      const shorts = [f.variable(wasm.lowerShorts(packed)), f.variable(wasm.upperShorts(packed))];
      const whole = shorts.flatMap((eight) => [wasm.lowerIntegers(eight), wasm.upperIntegers(eight)]);
      for (const [index, four] of whole.entries()) {
        const value = wasm.multiplyVectors(wasm.toFloats(four), scale);
        f.store(values!, value, VECTOR_BYTES * (4 * half + index));
      }
    }
  });
  return f;
}

/**
 * The smallest power of two whose multiples up to 127 reach the block's largest value, as the exponent of a float32. A block
 * whose largest value is beyond 127 2^121 counts as not finite: its multiples might not be.
 */
function emitScale(
  f: FunctionBuilder,
  values: I32,
): { readonly exponent: Local<'v128'>; readonly isNotFinite: Local<'v128'> } {
  const largest = f.variable(
    vectorOffsets()
      .map((offset) => magnitude(wasm.load(values, offset)))
      .reduce(wasm.largerInteger),
  );
  f.set(largest, wasm.largerInteger(largest, wasm.shuffle(largest, largest, [1, 0, 3, 2])));
  f.set(largest, wasm.largerInteger(largest, wasm.shuffle(largest, largest, [2, 3, 0, 1])));
  f.set(largest, wasm.smallerInteger(largest, wasm.integerVector(INFINITY_BITS)));
  // Carries into the exponent if the mantissa is above that of 127.
  f.set(largest, wasm.addIntegers(largest, wasm.integerVector(0x1ffff)));
  const exponent = wasm.subtractIntegers(
    wasm.shiftRight(largest, MANTISSA_BITS),
    wasm.integerVector(6), // 127 is between 2^6 and 2^7
  );
  return {
    exponent: f.variable(wasm.largerInteger(exponent, wasm.integerVector(SMALLEST_EXPONENT))),
    isNotFinite: f.variable(wasm.integerAbove(largest, wasm.integerVector(INFINITY_BITS - 1))),
  };
}

/** Runs the body for each block. The operands are the first parameters; parameter `count` is the number of blocks. */
function forEachBlock(
  f: FunctionBuilder,
  { count, operands }: { readonly count: number; readonly operands: readonly number[] },
  body: (addresses: readonly Local<'i32'>[]) => void,
): void {
  const addresses = operands.map((_, index) => f.variable(f.parameter(index)));
  f.repeat(f.parameter(count), () => {
    body(addresses);
    for (const [index, address] of addresses.entries()) f.advance(address, operands[index]!);
  });
}

const vectorOffsets = (every = 1): readonly number[] =>
  Array.from({ length: VECTORS / every }, (_, index) => every * VECTOR_BYTES * index);

const splat = (value: I32): V128 => wasm.splatBits(value);
const magnitude = (bits: V128): V128 => wasm.bitwiseAnd(bits, wasm.integerVector(MAGNITUDE_BITS));
const nanWhere = (mask: V128, values: V128): V128 =>
  wasm.bitwiseOr(values, wasm.bitwiseAnd(mask, wasm.integerVector(NAN_BITS)));

/** 0, 1, 2, 3 */
function laneNumbers(f: FunctionBuilder): V128 {
  const numbers = [0, 1, 2, 3].map((lane) => wasm.integerVector(lane));
  const [zero, one, two, three] = numbers as [V128, V128, V128, V128];
  const pair = f.variable(wasm.shuffle(zero, one, [0, 4, 0, 4]));
  return wasm.shuffle(pair, wasm.shuffle(two, three, [0, 4, 0, 4]), [0, 1, 4, 5]);
}
