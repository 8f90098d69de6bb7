/** Which numerics class this host can compute, found out by asking it. */

import { FUSED, UNFUSED } from './arithmetic.js';
import type { Arithmetic } from './arithmetic.js';
import { enableRelaxedSimd } from '../host.js';
import { allBitsEqual, splatBits } from '../../foundation/wasm/expressions.js';
import type { V128 } from '../../foundation/wasm/expressions.js';
import { FunctionBuilder } from '../../foundation/wasm/functionBuilder.js';
import { compile } from '../../foundation/wasm/host.js';
import { encodeModule } from '../../foundation/wasm/module.js';

/** Changes whenever the kernels' bits do. */
const KERNEL_REVISION = 1;

export interface Numerics {
  readonly numericsClass: string;
  readonly arithmetic: Arithmetic;
}

export const PLAIN_NUMERICS: Numerics = { numericsClass: `simd/${KERNEL_REVISION}`, arithmetic: UNFUSED };
export const FUSED_NUMERICS: Numerics = { numericsClass: `simd-fma/${KERNEL_REVISION}`, arithmetic: FUSED };

/** The best class that this host can compute; undefined where it has no WebAssembly SIMD at all. */
export async function probeNumerics(): Promise<Numerics | undefined> {
  if (await fuses()) return FUSED_NUMERICS;
  return (await computes(UNFUSED, [2, 3, 4], 10)) ? PLAIN_NUMERICS : undefined;
}

/** (1 + e)(1 - e) - 1 for e = 2^-12 is -2^-24 in one rounding and 0 in two. */
async function fuses(): Promise<boolean> {
  enableRelaxedSimd();
  const epsilon = 2 ** -12;
  return computes(FUSED, [1 + epsilon, 1 - epsilon, -1], -(epsilon * epsilon));
}

/**
 * Whether a b + c is this as kernels of that arithmetic compute it; not so where they do not compile. Without a memory, for
 * each reserves gigabytes of address space: a function that traps unless the result is the expected one.
 */
async function computes(
  { multiplyAdd }: Arithmetic,
  operands: readonly [number, number, number],
  expected: number,
): Promise<boolean> {
  try {
    const f = new FunctionBuilder(4);
    const operand = (index: number): V128 => splatBits(f.parameter(index));
    f.trapUnless(allBitsEqual(multiplyAdd(operand(0), operand(1), operand(2)), operand(3)));
    const module = encodeModule([{ name: 'probe', builder: f }], 'none');
    const { exports } = (await compile(module))();
    const bits = new Int32Array(Float32Array.of(...operands, expected).buffer);
    (exports.probe as (...parameters: number[]) => void)(...bits);
    return true;
  } catch {
    return false; // no WebAssembly, no SIMD, no relaxed SIMD, or another result
  }
}
