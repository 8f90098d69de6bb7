/** The smooth activations against their definitions in float64. */

import { describe, expect, it } from 'vitest';
import type { SmoothActivation } from '../../../src/engine/graph.js';
import { FUSED, UNFUSED } from '../../../src/engine/simd/arithmetic.js';
import type { Arithmetic } from '../../../src/engine/simd/arithmetic.js';
import { emitActivation, emitDerivative } from '../../../src/engine/simd/kernels/activations.js';
import { KernelLibrary } from '../../../src/engine/simd/kernels/library.js';
import { probeNumerics } from '../../../src/engine/simd/numerics.js';
import { load } from '../../../src/foundation/wasm/expressions.js';
import { newMemory } from '../../../src/foundation/wasm/host.js';
import { normalDistribution } from '../../support/referenceNetwork.js';

const POINTS = Float32Array.from([
  ...Array.from({ length: 40_001 }, (_, index) => (index - 20_000) / 1000),
  ...Array.from({ length: 400 }, (_, index) => -(10 ** ((index - 200) / 25))),
  ...Array.from({ length: 400 }, (_, index) => 10 ** ((index - 200) / 25)),
  ...[0, 0, 0],
]);

type Values = (x: number) => number;

const density: Values = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const sigmoid: Values = (x) => 1 / (1 + Math.exp(-x));

const CASES: readonly {
  readonly activation: SmoothActivation;
  readonly value: Values;
  readonly derivative: Values;
}[] = [
  {
    activation: { kind: 'gelu' },
    value: (x) => x * normalDistribution(x),
    derivative: (x) => normalDistribution(x) + x * density(x),
  },
  {
    activation: { kind: 'silu' },
    value: (x) => x * sigmoid(x),
    derivative: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  ...[1, 0.075, 3].map((alpha) => ({
    activation: { kind: 'celu', alpha } as const,
    value: (x: number) => (x > 0 ? x : alpha * Math.expm1(x / alpha)),
    derivative: (x: number) => (x > 0 ? 1 : Math.exp(x / alpha)),
  })),
];

/** Both functions at all points. */
async function compute(
  arithmetic: Arithmetic,
  activation: SmoothActivation,
): Promise<{ values: Float32Array; derivatives: Float32Array }> {
  const library = new KernelLibrary(arithmetic);
  const bytes = POINTS.byteLength;
  const kernel = library.kernel('functions', 2, (f, m) => {
    const at = f.variable(f.parameter(0));
    f.repeat(f.parameter(1), () => {
      const x = f.variable(load(at));
      f.store(at, emitActivation(activation)(f, m, x), bytes);
      f.store(at, emitDerivative(activation)(f, m, x), 2 * bytes);
      f.advance(at, 16);
    });
  });
  const memory = newMemory(Math.ceil((3 * bytes) / 65_536), 64);
  new Float32Array(memory.buffer).set(POINTS);
  await library.compile();
  library.bind(memory);
  kernel.run(0, POINTS.length / 4);
  return {
    values: new Float32Array(memory.buffer.slice(bytes, 2 * bytes)),
    derivatives: new Float32Array(memory.buffer.slice(2 * bytes, 3 * bytes)),
  };
}

const canFuse = (await probeNumerics())?.arithmetic.fused === true;
const ARITHMETICS = [{ name: 'plain', arithmetic: UNFUSED }].concat(
  canFuse ? [{ name: 'fused', arithmetic: FUSED }] : [],
);

describe.each(ARITHMETICS)('smooth activations, $name', ({ arithmetic }) => {
  it.each(CASES)('$activation.kind is what it is defined as', async ({ activation, value, derivative }) => {
    const found = await compute(arithmetic, activation);
    let [worstValue, worstDerivative] = [0, 0];
    POINTS.forEach((x, index) => {
      const error = Math.abs(found.values[index]! - value(x));
      worstValue = Math.max(worstValue, error / (3e-7 + 1e-7 * Math.abs(x)));
      worstDerivative = Math.max(worstDerivative, Math.abs(found.derivatives[index]! - derivative(x)));
    });
    expect(worstValue).toBeLessThan(1);
    expect(worstDerivative).toBeLessThan(1e-6);
  });
});
