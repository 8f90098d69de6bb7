/** Smooth activations as readings, of the same polynomials that the simd engine takes. */

import { EXPONENTIAL_ROOT, NORMAL_TAIL_ROOT, NORMAL_TAIL_SLOPE } from '../../activationTails.js';
import type { SmoothActivation } from '../../graph.js';
import type { KernelSource, Reading } from './kernelSource.js';
import { floatText } from './readings.js';

/** Beyond these no tail is left in float32, and eighth powers are still finite. */
const LARGEST = { normal: 8, exponential: 24 } as const;

export function activated(source: Reading, activation: SmoothActivation): Reading {
  return (kernel) => {
    declareTail(kernel, activation);
    return `let x = ${kernel.reader(source)}(image, row, column, quad);\n${valueOf(activation)}`;
  };
}

/** The derivative, from what the activation reads. */
export function activationDerivative(source: Reading, activation: SmoothActivation): Reading {
  return (kernel) => {
    declareTail(kernel, activation);
    if (activation.kind === 'gelu') declarePolynomial(kernel, 'tailSlope', NORMAL_TAIL_SLOPE);
    return `let x = ${kernel.reader(source)}(image, row, column, quad);\n${derivativeOf(activation)}`;
  };
}

function valueOf(activation: SmoothActivation): string {
  switch (activation.kind) {
    case 'gelu':
      return 'return max(x, vec4f()) - 0.5 * abs(x) / (normalTail(abs(x)) + 1.0);';
    case 'silu':
      return 'return max(x, vec4f()) - abs(x) / (exponential(abs(x)) + 2.0);';
    case 'celu': {
      const alpha = floatText(activation.alpha);
      return `let growth = ${growth(activation.alpha)};
return max(x, vec4f()) - ${alpha} * growth / (growth + 1.0);`;
    }
  }
}

function derivativeOf(activation: SmoothActivation): string {
  switch (activation.kind) {
    case 'gelu':
      return `let a = min(abs(x), vec4f(${floatText(LARGEST.normal)}));
let below = 0.5 / (normalTail(a) + 1.0) * (tailSlope(a) * a + 1.0);
return select(below, 1.0 - below, x > vec4f());`;
    case 'silu':
      return `let a = min(abs(x), vec4f(${floatText(LARGEST.exponential)}));
let tail = 1.0 / (exponential(a) + 2.0);
let below = tail * (1.0 - a * (1.0 - tail));
return select(below, 1.0 - below, x > vec4f());`;
    case 'celu':
      return `return 1.0 / (${growth(activation.alpha)} + 1.0);`;
  }
}

/** exp(-x / alpha) - 1 where x is negative, else 0. */
const growth = (alpha: number): string => `exponential(max(x * ${floatText(-1 / alpha)}, vec4f()))`;

function declareTail(kernel: KernelSource, { kind }: SmoothActivation): void {
  if (kind === 'gelu') declareEighthPower(kernel, 'normalTail', NORMAL_TAIL_ROOT, LARGEST.normal);
  else declareEighthPower(kernel, 'exponential', EXPONENTIAL_ROOT, LARGEST.exponential);
}

/** (1 + a q(a))^8 - 1 */
function declareEighthPower(
  kernel: KernelSource,
  name: string,
  coefficients: readonly number[],
  largest: number,
): void {
  declarePolynomial(kernel, `${name}Root`, coefficients);
  kernel.once(name, () =>
    kernel.declare(`
fn ${name}(unbounded: vec4f) -> vec4f {
  let a = min(unbounded, vec4f(${floatText(largest)}));
  var excess = ${name}Root(a) * a;
  excess *= excess + 2.0;
  excess *= excess + 2.0;
  return excess * (excess + 2.0);
}`),
  );
}

function declarePolynomial(kernel: KernelSource, name: string, coefficients: readonly number[]): void {
  kernel.once(name, () => {
    const [last, ...others] = [...coefficients].reverse();
    const steps = others.map((value) => `  sum = fma(sum, a, vec4f(${floatText(value)}));`);
    kernel.declare(`
fn ${name}(a: vec4f) -> vec4f {
  var sum = vec4f(${floatText(last!)});
${steps.join('\n')}
  return sum;
}`);
  });
}
