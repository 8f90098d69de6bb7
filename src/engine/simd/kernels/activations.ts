/**
 * GELU, SiLU and CELU of additions, multiplications and one division, so that their bits are the same on every host.
 *
 * With a = |x|, GELU and SiLU are max(x, 0) - a t(a), where the tail t falls from 1/2 to 0: 1 - Phi(a) for GELU,
 * 1 / (1 + exp(a)) for SiLU. A tail is the reciprocal of an eighth power, (1 + a q(a))^8 with a polynomial q, which is
 * fitted where the tail matters and grows beyond: so the tail vanishes by itself. The power is taken by doubling
 * e -> (1 + e)^2 - 1 = e (e + 2), which loses nothing where e is small. Polynomials are weighted minimax fits.
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
import type { SmoothActivation } from '../../graph.js';
import type { Arithmetic } from '../arithmetic.js';

/** ((1/2) / (1 - Phi(a)))^(1/8) = 1 + a q(a), on [0, 5.4]. */
const NORMAL_TAIL_ROOT = [
  0.09973502904176712, 0.0447704941034317, 0.008636107668280602, 0.0009378124377690256,
  0.00011512105265865102, 0.00012289243750274181, -3.839023702312261e-5, 1.1030435416614637e-5,
  -1.471043333367561e-6, 1.0531651639666961e-7,
];
/** 1 - a phi(a) / (1 - Phi(a)) = 1 + a q(a), on [0, 5.4]; phi is the normal density. */
const NORMAL_TAIL_SLOPE = [
  -0.797894299030304, -0.6364858150482178, -0.10961100459098816, 0.02039545588195324, -0.0012264706892892718,
  -0.00040675740456208587, 0.0001014260487863794, -7.17636794433929e-6,
];
/** exp(a / 8) = 1 + a q(a), on [0, 18]. */
const EXPONENTIAL_ROOT = [
  0.1249999925494194, 0.00781252607703209, 0.00032548815943300724, 1.0190591638092883e-5,
  2.492523663022439e-7, 6.04912653301426e-9, 3.65535934854222e-11, 3.5715625335691614e-12,
];
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
