/**
 * What the coordinator computes over whole vectors between the workers' answers, in WebAssembly: while it computes, they
 * wait. Vectors pass through the kernels' memory a block at a time, in cache, so they may live anywhere.
 *
 * Only plain float32 sums and float64 arithmetic that is rounded once where it is stored: the bits are those of the same
 * expression over a Float32Array, on every host.
 */

import { invariant } from '../foundation/errors.js';
import { FunctionBuilder } from '../foundation/wasm/functionBuilder.js';
import { instantiateNow, newMemory } from '../foundation/wasm/host.js';
import { encodeModule } from '../foundation/wasm/module.js';
import * as wasm from '../foundation/wasm/expressions.js';
import type { I32, V128 } from '../foundation/wasm/expressions.js';

const BLOCK_FLOATS = 8192; // three blocks stay in the second-level cache
const BLOCK_BYTES = 4 * BLOCK_FLOATS;
const PAGE_BYTES = 65_536;
const LANES = 4;
const BLOCKS = 3;
const SCALARS_AT = BLOCKS * BLOCK_BYTES;
const SCALARS = 4;
const PAGES = Math.ceil((SCALARS_AT + 8 * SCALARS) / PAGE_BYTES);

type Kernel = (groupCount: number) => void;

interface Kernels {
  readonly blocks: readonly Float32Array[];
  /** For constants on the way in and results on the way out. */
  readonly scalars: Float64Array;
  readonly sum: Kernel;
  readonly zeroTimes: Kernel;
  readonly sgd: Kernel;
  readonly nesterov: Kernel;
}

let compiled: Kernels | undefined;

/** target += other, in float32. */
export function addInto(target: Float32Array, other: Float32Array): void {
  invariant(target.length === other.length, 'vectors of different lengths are added');
  const { blocks, sum } = kernels();
  forEachBlock(target.length, (start, end, groupCount) => {
    blocks[0]!.set(target.subarray(start, end));
    blocks[1]!.set(other.subarray(start, end));
    sum(groupCount);
    target.set(blocks[0]!.subarray(0, end - start), start);
  });
}

/** Zero times anything finite is zero; times infinity or NaN it is NaN, and NaN stays. */
export function allFinite(values: Float32Array): boolean {
  const { blocks, scalars, zeroTimes } = kernels();
  const sums = new Float32Array(scalars.buffer, scalars.byteOffset, LANES);
  let isFinite = true;
  forEachBlock(values.length, (start, end, groupCount) => {
    blocks[0]!.set(values.subarray(start, end));
    blocks[0]!.fill(0, end - start, groupCount * LANES);
    zeroTimes(groupCount);
    isFinite &&= sums.every((value) => value === 0);
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
  const { length } = parameters;
  invariant(gradientSum.length === length && velocity.length === length, 'vector lengths');
  const { blocks, scalars, sgd, nesterov: sgdWithNesterov } = kernels();
  const [parameterBlock, velocityBlock, gradientBlock] = blocks as [Float32Array, Float32Array, Float32Array];
  scalars.set([sampleCount, lr, momentum, weightDecay]);
  forEachBlock(length, (start, end, groupCount) => {
    parameterBlock.set(parameters.subarray(start, end));
    velocityBlock.set(velocity.subarray(start, end));
    gradientBlock.set(gradientSum.subarray(start, end));
    (nesterov ? sgdWithNesterov : sgd)(groupCount);
    parameters.set(parameterBlock.subarray(0, end - start), start);
    velocity.set(velocityBlock.subarray(0, end - start), start);
  });
}

/** What lies behind the end of the last block is computed too, and never looked at. */
function forEachBlock(length: number, body: (start: number, end: number, groupCount: number) => void): void {
  for (let start = 0; start < length; start += BLOCK_FLOATS) {
    const end = Math.min(length, start + BLOCK_FLOATS);
    body(start, end, Math.ceil((end - start) / LANES));
  }
}

function kernels(): Kernels {
  return (compiled ??= compile());
}

function compile(): Kernels {
  const memory = newMemory(PAGES, PAGES);
  const emitted = {
    sum: emitSum(),
    zeroTimes: emitZeroTimes(),
    sgd: emitSgd(false),
    nesterov: emitSgd(true),
  };
  const functions = Object.entries(emitted).map(([name, builder]) => ({ name, builder }));
  const { exports } = instantiateNow(encodeModule(functions), memory);
  return {
    ...(exports as Record<keyof typeof emitted, Kernel>),
    blocks: Array.from(
      { length: BLOCKS },
      (_, block) => new Float32Array(memory.buffer, block * BLOCK_BYTES, BLOCK_FLOATS),
    ),
    scalars: new Float64Array(memory.buffer, SCALARS_AT, SCALARS),
  };
}

function emitSum(): FunctionBuilder {
  const f = new FunctionBuilder(1);
  const at = f.variable(wasm.constant(0));
  f.repeat(f.parameter(0), () => {
    f.store(at, wasm.addVectors(wasm.load(at), wasm.load(at, BLOCK_BYTES)));
    f.advance(at, 16);
  });
  return f;
}

function emitZeroTimes(): FunctionBuilder {
  const f = new FunctionBuilder(1);
  const at = f.variable(wasm.constant(0));
  const sum = f.variable(wasm.vector(0));
  f.repeat(f.parameter(0), () => {
    f.set(sum, wasm.addVectors(sum, wasm.multiplyVectors(wasm.load(at), wasm.vector(0))));
    f.advance(at, 16);
  });
  f.store(wasm.constant(SCALARS_AT), sum);
  return f;
}

function emitSgd(nesterov: boolean): FunctionBuilder {
  const f = new FunctionBuilder(1);
  const at = f.variable(wasm.constant(0));
  const scalar = (index: number): V128 =>
    f.variable(wasm.loadDoubleSplat(wasm.constant(SCALARS_AT + 8 * index)));
  const [sampleCount, lr, momentum, weightDecay] = [scalar(0), scalar(1), scalar(2), scalar(3)] as const;
  const stepTwo = (address: I32, offset: number): void => {
    const parameter = f.variable(wasm.loadWidened(address, offset));
    const velocity = wasm.loadWidened(address, BLOCK_BYTES + offset);
    const mean = wasm.divideDoubles(wasm.loadWidened(address, 2 * BLOCK_BYTES + offset), sampleCount);
    const gradient = f.variable(wasm.addDoubles(mean, wasm.multiplyDoubles(weightDecay, parameter)));
    const moved = f.variable(
      wasm.narrowed(wasm.addDoubles(wasm.multiplyDoubles(momentum, velocity), gradient)),
    );
    f.storeLowHalf(address, moved, BLOCK_BYTES + offset);
    const direction = nesterov
      ? wasm.addDoubles(gradient, wasm.multiplyDoubles(momentum, wasm.widened(moved)))
      : wasm.widened(moved);
    const updated = wasm.subtractDoubles(parameter, wasm.multiplyDoubles(lr, direction));
    f.storeLowHalf(address, wasm.narrowed(updated), offset);
  };
  f.repeat(f.parameter(0), () => {
    stepTwo(at, 0);
    stepTwo(at, 8);
    f.advance(at, 16);
  });
  return f;
}
