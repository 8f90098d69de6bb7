/**
 * The one choice that the numerics class names: whether a b + c is rounded once or twice. The WebAssembly
 * specification fixes everything else about float instructions, except the bits of a NaN.
 */

import { addVectors, multiplyVectors, relaxedMultiplyAdd } from '../../foundation/wasm/expressions.js';
import type { V128 } from '../../foundation/wasm/expressions.js';

export interface Arithmetic {
  readonly fused: boolean;
  /** a b + c */
  readonly multiplyAdd: (a: V128, b: V128, c: V128) => V128;
}

export const FUSED: Arithmetic = { fused: true, multiplyAdd: relaxedMultiplyAdd };

export const UNFUSED: Arithmetic = {
  fused: false,
  multiplyAdd: (a, b, c) => addVectors(multiplyVectors(a, b), c),
};
