/** Which numerics class this host can compute, found out by asking it. */

import v8 from 'node:v8';
import { FUSED, UNFUSED } from './arithmetic.js';
import type { Arithmetic } from './arithmetic.js';
import { KernelLibrary } from './kernels/library.js';
import { newMemory } from '../../foundation/wasm/host.js';
import { load } from '../../foundation/wasm/expressions.js';

/** Changes whenever the kernels' bits do. */
const KERNEL_REVISION = 1;

export interface Numerics {
  readonly numericsClass: string;
  readonly arithmetic: Arithmetic;
}

export const PLAIN_NUMERICS: Numerics = { numericsClass: `simd/${KERNEL_REVISION}`, arithmetic: UNFUSED };
export const FUSED_NUMERICS: Numerics = { numericsClass: `simd-fma/${KERNEL_REVISION}`, arithmetic: FUSED };

/**
 * The best class that this host can compute; undefined where it has no WebAssembly SIMD at all.
 * @throws LockstepError E_RESOURCES where there is no room to find out
 */
export async function probeNumerics(): Promise<Numerics | undefined> {
  if (await fuses()) return FUSED_NUMERICS;
  return (await multiplyAdd(UNFUSED, [2, 3, 4])) === 10 ? PLAIN_NUMERICS : undefined;
}

/** Node 20 has relaxed SIMD behind a flag; later versions have no such flag, and say so on standard error. */
function enableRelaxedSimd(): void {
  if (process.versions.node.startsWith('20.')) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
}

/** (1 + e)(1 - e) - 1 for e = 2^-12 is -2^-24 in one rounding and 0 in two. */
async function fuses(): Promise<boolean> {
  enableRelaxedSimd();
  const epsilon = 2 ** -12;
  return (await multiplyAdd(FUSED, [1 + epsilon, 1 - epsilon, -1])) === -(epsilon * epsilon);
}

/** a b + c as kernels of that arithmetic compute it; undefined where they do not compile. */
async function multiplyAdd(
  arithmetic: Arithmetic,
  operands: readonly [number, number, number],
): Promise<number | undefined> {
  const library = new KernelLibrary(arithmetic);
  const kernel = library.kernel('probe', 1, (f, { multiplyAdd }) => {
    const at = f.parameter(0);
    f.store(at, multiplyAdd(load(at, 0), load(at, 16), load(at, 32)), 48);
  });
  const memory = newMemory(1, 1); // outside: to have no room for it does not mean that there is no SIMD
  try {
    const floats = new Float32Array(memory.buffer);
    operands.forEach((operand, index) => floats.fill(operand, 4 * index, 4 * index + 4));
    await library.compile(memory);
    kernel.run(0);
    const results = floats.slice(12, 16);
    return results.every((result) => result === results[0]) ? results[0] : undefined;
  } catch {
    return undefined; // no WebAssembly, no SIMD, or no relaxed SIMD
  }
}
