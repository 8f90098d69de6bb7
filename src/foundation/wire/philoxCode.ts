/** `philox4x32` of four counters at once: the same words, in lanes. */

import { MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1 } from '../random.js';
import type { FunctionBuilder, Local } from '../wasm/functionBuilder.js';
import * as wasm from '../wasm/expressions.js';
import type { V128 } from '../wasm/expressions.js';

type Words = readonly [Local<'v128'>, Local<'v128'>, Local<'v128'>, Local<'v128'>];

/**
 * @param counters four, one a lane; the upper 96 bits of each are zero
 * @param key its two words, each in all lanes
 * @returns the four words of each block; lane n belongs to counter n
 */
export function emitPhilox(f: FunctionBuilder, counters: V128, key: readonly [V128, V128]): Words {
  const zero = wasm.integerVector(0);
  const words: Words = [f.variable(counters), f.variable(zero), f.variable(zero), f.variable(zero)];
  const keys = [f.variable(key[0]), f.variable(key[1])] as const;
  const products = [f.variable(zero), f.variable(zero), f.variable(zero), f.variable(zero)] as const;
  f.repeat(ROUNDS, () => {
    f.set(products[0], wasm.lowerProducts(words[0], wasm.integerVector(MULTIPLIER_0)));
    f.set(products[1], wasm.upperProducts(words[0], wasm.integerVector(MULTIPLIER_0)));
    f.set(products[2], wasm.lowerProducts(words[2], wasm.integerVector(MULTIPLIER_1)));
    f.set(products[3], wasm.upperProducts(words[2], wasm.integerVector(MULTIPLIER_1)));
    f.set(words[0], xorOfThree(upperWords(products[2], products[3]), words[1], keys[0]));
    f.set(words[1], lowerWords(products[2], products[3]));
    f.set(words[2], xorOfThree(upperWords(products[0], products[1]), words[3], keys[1]));
    f.set(words[3], lowerWords(products[0], products[1]));
    f.set(keys[0], wasm.addIntegers(keys[0], wasm.integerVector(WEYL_0)));
    f.set(keys[1], wasm.addIntegers(keys[1], wasm.integerVector(WEYL_1)));
  });
  return words;
}

const lowerWords = (a: V128, b: V128): V128 => wasm.shuffle(a, b, [0, 2, 4, 6]);
const upperWords = (a: V128, b: V128): V128 => wasm.shuffle(a, b, [1, 3, 5, 7]);
const xorOfThree = (a: V128, b: V128, c: V128): V128 => wasm.bitwiseXor(wasm.bitwiseXor(a, b), c);
