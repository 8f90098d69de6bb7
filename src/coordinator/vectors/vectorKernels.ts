/**
 * The coordinator's arithmetic over whole vectors, in WebAssembly because workers wait for it. Vectors of one
 * `VectorMemory` are computed in place; others are copied through it block by block.
 *
 * Uses only float32 sums, and float64 arithmetic that is rounded once where it is stored. So the bits equal those of the
 * same expression over a Float32Array, on every host.
 */

import { invariant } from '../../foundation/errors.js';
import { compileNow } from '../../foundation/wasm/host.js';
import { encodeModule } from '../../foundation/wasm/module.js';
import { emitVectorKernels, GROUP_FLOATS } from './vectorKernelCode.js';
import type { VectorKernelName } from './vectorKernelCode.js';
import { anyMemory, BLOCK_FLOATS, homeOf, MAXIMUM_PAGES, MOST_OPERANDS, SCALARS } from './vectorMemory.js';
import type { VectorMemory } from './vectorMemory.js';

const FLOAT_BYTES = 4;

/** Called with the address of each operand, that of the scalars, and the number of groups. */
type Kernel = (...parameters: number[]) => void;

/** Kernels over one memory. */
interface BoundKernels {
  readonly run: Readonly<Record<VectorKernelName, Kernel>>;
  /** Copies of operands that lie outside the memory. */
  readonly blocks: readonly Float32Array[];
  /** Constants for the kernels, and their scalar results. */
  readonly scalars: Float64Array;
}

interface Operand {
  readonly vector: Float32Array;
  readonly isWritten: boolean;
}

const read = (vector: Float32Array): Operand => ({ vector, isWritten: false });
const written = (vector: Float32Array): Operand => ({ vector, isWritten: true });

/** target += other, in float32. */
export function addInto(target: Float32Array, other: Float32Array): void {
  const { kernels, operands } = placed([written(target), read(other)]);
  forEachBlock(operands, kernels, kernels.run.sum);
}

/** Whether all values are finite. Zero times a finite value is zero; zero times infinity or NaN is NaN. */
export function allFinite(values: Float32Array): boolean {
  const { kernels, operands } = placed([read(values)]);
  let isFinite = true;
  forEachBlock(operands, kernels, (...parameters) => {
    kernels.run.zeroTimes(...parameters);
    isFinite &&= kernels.scalars[0] === 0;
  });
  return isFinite;
}

export interface SgdStep {
  readonly sampleCount: number;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/**
 * One step of SGD in place, where g = gradientSum / sampleCount + weightDecay parameter in float64:
 * velocity = momentum velocity + g, rounded; parameter -= lr velocity, or lr (g + momentum velocity) with Nesterov.
 */
export function sgdInto(
  parameters: Float32Array,
  velocity: Float32Array,
  gradientSum: Float32Array,
  { sampleCount, lr, momentum, weightDecay, nesterov }: SgdStep,
): void {
  const { kernels, operands } = placed([written(parameters), written(velocity), read(gradientSum)]);
  kernels.scalars.set([sampleCount, lr, momentum, weightDecay]);
  forEachBlock(operands, kernels, nesterov ? kernels.run.nesterov : kernels.run.sgd);
}

/** An operand, and its address if it is in the kernels' memory. */
interface PlacedOperand extends Operand {
  readonly address: number | undefined;
}

/** Finds the kernels for the memory that holds one of the operands. */
function placed(operands: readonly Operand[]): {
  readonly kernels: BoundKernels;
  readonly operands: readonly PlacedOperand[];
} {
  const [{ length }, ...others] = operands.map(({ vector }) => vector) as [Float32Array, ...Float32Array[]];
  invariant(
    others.every((other) => other.length === length),
    'vectors of different lengths',
  );
  const homes = operands.map(({ vector }) => homeOf(vector));
  const memory = homes.find((home) => home !== undefined) ?? anyMemory();
  return {
    kernels: kernelsOver(memory),
    operands: operands.map((operand, index) => ({
      ...operand,
      address: homes[index] === memory ? operand.vector.byteOffset : undefined,
    })),
  };
}

/** Runs the kernel over the operands: at once if all are in its memory, otherwise block by block. */
function forEachBlock(
  operands: readonly PlacedOperand[],
  { blocks, scalars }: BoundKernels,
  kernel: Kernel,
): void {
  const { length } = operands[0]!.vector;
  const isAllInPlace = operands.every(({ address }) => address !== undefined);
  const blockFloats = isAllInPlace ? length : BLOCK_FLOATS;
  for (let start = 0; start < length; start += blockFloats) {
    const end = Math.min(length, start + blockFloats);
    const groupCount = Math.ceil((end - start) / GROUP_FLOATS);
    const addresses = operands.map(({ vector, address }, index) => {
      if (address !== undefined) return address + FLOAT_BYTES * start;
      const block = blocks[index]!;
      block.set(vector.subarray(start, end));
      block.fill(0, end - start, groupCount * GROUP_FLOATS);
      return block.byteOffset;
    });
    kernel(...addresses, scalars.byteOffset, groupCount);
    for (const [index, { vector, address, isWritten }] of operands.entries()) {
      if (isWritten && address === undefined) vector.set(blocks[index]!.subarray(0, end - start), start);
    }
  }
}

let instantiate: ReturnType<typeof compileNow> | undefined;
const bound = new WeakMap<VectorMemory, BoundKernels>();

function kernelsOver(memory: VectorMemory): BoundKernels {
  const kernels = bound.get(memory) ?? bind(memory);
  bound.set(memory, kernels);
  return kernels;
}

function bind(memory: VectorMemory): BoundKernels {
  instantiate ??= compileNow(encodeModule(emitVectorKernels(), { sharedMaximumPages: MAXIMUM_PAGES }));
  const { exports } = instantiate(memory.memory);
  const { scratch } = memory;
  const scalarsAt = scratch.byteOffset + MOST_OPERANDS * BLOCK_FLOATS * FLOAT_BYTES;
  return {
    run: exports as Record<VectorKernelName, Kernel>,
    blocks: Array.from({ length: MOST_OPERANDS }, (_, index) =>
      scratch.subarray(index * BLOCK_FLOATS, (index + 1) * BLOCK_FLOATS),
    ),
    scalars: new Float64Array(scratch.buffer, scalarsAt, SCALARS),
  };
}
