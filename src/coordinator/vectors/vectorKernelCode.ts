/**
 * The code of the vector kernels. The parameters of each kernel: the addresses of its operands, the address of the scalars,
 * and the number of groups of floats, at least one.
 */

import { FunctionBuilder } from '../../foundation/wasm/functionBuilder.js';
import type { NamedFunction } from '../../foundation/wasm/module.js';
import * as wasm from '../../foundation/wasm/expressions.js';
import type { I32, V128 } from '../../foundation/wasm/expressions.js';

/** Floats per loop iteration: a cache line. The last group is computed whole, even beyond the vector's end. */
export const GROUP_FLOATS = 16;
const GROUP_BYTES = 4 * GROUP_FLOATS;
const VECTOR_BYTES = 16;
const PAIR_BYTES = 8;

export type VectorKernelName = 'sum' | 'zeroTimes' | 'sgd' | 'nesterov';

export function emitVectorKernels(): readonly (NamedFunction & { readonly name: VectorKernelName })[] {
  return [
    { name: 'sum', builder: emitSum() },
    { name: 'zeroTimes', builder: emitZeroTimes() },
    { name: 'sgd', builder: emitSgd(false) },
    { name: 'nesterov', builder: emitSgd(true) },
  ];
}

/** Operands: target, other. */
function emitSum(): FunctionBuilder {
  const f = new FunctionBuilder(4);
  forEachGroup(f, 2, ([target, other], offsets) => {
    for (const offset of offsets(VECTOR_BYTES)) {
      f.store(target!, wasm.addVectors(wasm.load(target!, offset), wasm.load(other!, offset)), offset);
    }
  });
  return f;
}

/** Operand: values. Sets the first scalar to the sum of all values times zero. */
function emitZeroTimes(): FunctionBuilder {
  const f = new FunctionBuilder(3);
  const zero = f.variable(wasm.vector(0));
  const sums = Array.from({ length: GROUP_BYTES / VECTOR_BYTES }, () => f.variable(wasm.vector(0)));
  forEachGroup(f, 1, ([values], offsets) => {
    for (const [index, offset] of offsets(VECTOR_BYTES).entries()) {
      const sum = sums[index]!;
      f.set(sum, wasm.addVectors(sum, wasm.multiplyVectors(wasm.load(values!, offset), zero)));
    }
  });
  const all = f.variable(sums.map((sum): V128 => sum).reduce(wasm.addVectors));
  const lower = wasm.widened(all);
  const upper = wasm.widened(wasm.shuffle(all, all, [2, 3, 2, 3]));
  const pair = f.variable(wasm.addDoubles(lower, upper));
  const swapped = wasm.shuffle(pair, pair, [2, 3, 0, 1]);
  f.store(f.parameter(1), wasm.addDoubles(pair, swapped));
  return f;
}

/** Operands: parameters, velocity, sum of gradients. Scalars: sample count, rate, momentum, weight decay. */
function emitSgd(nesterov: boolean): FunctionBuilder {
  const f = new FunctionBuilder(5);
  const scalar = (index: number): V128 => f.variable(wasm.loadDoubleSplat(f.parameter(3), 8 * index));
  const [sampleCount, lr, momentum, weightDecay] = [scalar(0), scalar(1), scalar(2), scalar(3)] as const;
  const stepTwo = ([parameters, velocities, gradients]: readonly I32[], offset: number): void => {
    const parameter = f.variable(wasm.loadWidened(parameters!, offset));
    const velocity = wasm.loadWidened(velocities!, offset);
    const mean = wasm.divideDoubles(wasm.loadWidened(gradients!, offset), sampleCount);
    const gradient = f.variable(wasm.addDoubles(mean, wasm.multiplyDoubles(weightDecay, parameter)));
    const moved = f.variable(
      wasm.narrowed(wasm.addDoubles(wasm.multiplyDoubles(momentum, velocity), gradient)),
    );
    f.storeLowHalf(velocities!, moved, offset);
    const direction = nesterov
      ? wasm.addDoubles(gradient, wasm.multiplyDoubles(momentum, wasm.widened(moved)))
      : wasm.widened(moved);
    const updated = wasm.subtractDoubles(parameter, wasm.multiplyDoubles(lr, direction));
    f.storeLowHalf(parameters!, wasm.narrowed(updated), offset);
  };
  forEachGroup(f, 3, (operands, offsets) => {
    for (const offset of offsets(PAIR_BYTES)) stepTwo(operands, offset);
  });
  return f;
}

/** Runs the body for each group. @param body `offsets` gives the byte offsets within a group at the given distance */
function forEachGroup(
  f: FunctionBuilder,
  operandCount: number,
  body: (operands: readonly I32[], offsets: (everyBytes: number) => readonly number[]) => void,
): void {
  const operands = Array.from({ length: operandCount }, (_, index) => f.variable(f.parameter(index)));
  const offsets = (everyBytes: number): readonly number[] =>
    Array.from({ length: GROUP_BYTES / everyBytes }, (_, index) => index * everyBytes);
  f.repeat(f.parameter(operandCount + 1), () => {
    body(operands, offsets);
    for (const operand of operands) f.advance(operand, GROUP_BYTES);
  });
}
