/**
 * GELU, SiLU and CELU of additions, multiplications and one division, so that their bits are the same on every host.
 *
 * activationTails.ts has the formulas. Where a is small, an eighth power less one is taken by doubling
 * e -> (1 + e)^2 - 1 = e (e + 2), which loses nothing there.
 *
 * Against the definitions: GELU, SiLU and CELU within 3e-7 + 1e-7 |x|, their derivatives within 1e-6.
 */

import {
  absolute,
  addVectors,
  divideVectors,
  greaterThan,
  multiplyVectors,
  pseudoMaximum,
  pseudoMinimum,
  select,
  subtractVectors,
  vector,
} from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder, Local } from '../../../foundation/wasm/functionBuilder.js';
import { EXPONENTIAL_ROOT, NORMAL_TAIL_ROOT, NORMAL_TAIL_SLOPE } from '../../activationTails.js';
import type { SmoothActivation } from '../../graph.js';
import type { Arithmetic } from '../arithmetic.js';

/** Beyond this nothing is left of a tail in float32, while polynomials in it are still finite. */
const LARGEST = 24;

const ZERO = vector(0);
const HALF = vector(0.5);
const ONE = vector(1);
const TWO = vector(2);

type Emit = (f: FunctionBuilder, m: Arithmetic, x: Local<'v128'>) => V128;

/** f(x). */
export function emitActivation(activation: SmoothActivation): Emit {
  switch (activation.kind) {
    case 'gelu':
      return (f, m, x) => {
        const a = f.variable(absolute(x));
        const power = addVectors(eighthPower(f, m, a, NORMAL_TAIL_ROOT), ONE);
        return subtractVectors(pseudoMaximum(x, ZERO), divideVectors(multiplyVectors(a, HALF), power));
      };
    case 'silu':
      return (f, m, x) => {
        const a = f.variable(absolute(x));
        const power = addVectors(eighthPower(f, m, a, EXPONENTIAL_ROOT), TWO);
        return subtractVectors(pseudoMaximum(x, ZERO), divideVectors(a, power));
      };
    case 'celu':
      return (f, m, x) => {
        const growth = exponentialBelow(f, m, x, activation.alpha);
        const below = divideVectors(growth, addVectors(growth, ONE));
        return subtractVectors(pseudoMaximum(x, ZERO), multiplyVectors(below, vector(activation.alpha)));
      };
  }
}

/** f'(x). */
export function emitDerivative(activation: SmoothActivation): Emit {
  switch (activation.kind) {
    case 'gelu':
      return (f, m, x) => {
        const a = f.variable(pseudoMinimum(absolute(x), vector(LARGEST)));
        const power = addVectors(eighthPower(f, m, a, NORMAL_TAIL_ROOT), ONE);
        const tail = f.variable(divideVectors(HALF, power));
        const slope = m.multiplyAdd(polynomial(f, m, a, NORMAL_TAIL_SLOPE), a, ONE);
        return mirrored(f, x, multiplyVectors(tail, slope));
      };
    case 'silu':
      return (f, m, x) => {
        const a = f.variable(pseudoMinimum(absolute(x), vector(LARGEST)));
        const power = addVectors(eighthPower(f, m, a, EXPONENTIAL_ROOT), TWO);
        const tail = f.variable(divideVectors(ONE, power));
        const slope = subtractVectors(ONE, multiplyVectors(a, subtractVectors(ONE, tail)));
        return mirrored(f, x, multiplyVectors(tail, slope));
      };
    case 'celu':
      return (f, m, x) => {
        const growth = exponentialBelow(f, m, x, activation.alpha);
        return divideVectors(ONE, addVectors(growth, ONE));
      };
  }
}

/** For derivatives with f'(x) + f'(-x) = 1, from the one at -|x|. */
function mirrored(f: FunctionBuilder, x: V128, below: V128): V128 {
  const value = f.variable(below);
  return select(subtractVectors(ONE, value), value, greaterThan(x, ZERO));
}

/** exp(-x / alpha) - 1 where x is negative, else 0. */
function exponentialBelow(f: FunctionBuilder, m: Arithmetic, x: V128, alpha: number): Local<'v128'> {
  const scaled = multiplyVectors(x, vector(-1 / alpha));
  const a = f.variable(pseudoMinimum(pseudoMaximum(scaled, ZERO), vector(LARGEST)));
  return eighthPower(f, m, a, EXPONENTIAL_ROOT);
}

/** (1 + a q(a))^8 - 1 */
function eighthPower(
  f: FunctionBuilder,
  m: Arithmetic,
  a: V128,
  coefficients: readonly number[],
): Local<'v128'> {
  let excess = f.variable(multiplyVectors(polynomial(f, m, a, coefficients), a));
  for (let doubling = 0; doubling < 3; doubling++) {
    excess = f.variable(multiplyVectors(excess, addVectors(excess, TWO)));
  }
  return excess;
}

/** Horner's scheme; the coefficients are in ascending order. */
function polynomial(
  f: FunctionBuilder,
  m: Arithmetic,
  a: V128,
  coefficients: readonly number[],
): Local<'v128'> {
  const [last, ...others] = coefficients.map((value) => vector(value)).reverse();
  const sum = f.variable(last!);
  for (const coefficient of others) f.set(sum, m.multiplyAdd(sum, a, coefficient));
  return sum;
}
