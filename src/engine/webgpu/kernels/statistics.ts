/**
 * The per-channel side of batch normalisation (arXiv:1502.03167). Kernels that write an activation or a gradient also
 * write partial sums, a pair of vectors for each tile and quad. One workgroup per quad adds them, always in the same order.
 */

import type { ActivationShape } from '../../../model/index.js';
import { KernelSource } from './kernelSource.js';
import type { Dispatch, Range } from './kernelSource.js';
import { COEFFICIENT_ROWS, floatText, rowAt } from './readings.js';
import { quadsOf } from './shapes.js';
import type { Tiling } from './shapes.js';

const THREADS = 256;

/** Rows that a normalisation returns to the host, each of `quads` vectors. */
export const CHANNEL_ROWS = ['mean', 'unbiased variance', 'scale gradient', 'shift gradient'] as const;
export const channelLength = (shape: ActivationShape): number => CHANNEL_ROWS.length * quadsOf(shape) * 4;
export const coefficientLength = (shape: ActivationShape): number =>
  COEFFICIENT_ROWS.length * quadsOf(shape) * 4;

export interface MomentOptions {
  readonly shape: ActivationShape;
  readonly pixelCount: number;
  readonly epsilon: number;
  readonly tiling: Tiling;
  /** Sum, and sum of squared deviations from the tile's mean. */
  readonly partials: Range;
  readonly scale: Range;
  readonly shift: Range;
  readonly coefficients: Range;
  readonly channels: Range;
}

/** Coefficients from the statistics of the micro-batch. The statistics returned have the unbiased variance. */
export function finishMoments(options: MomentOptions): Dispatch {
  const { shape, pixelCount, epsilon, tiling } = options;
  const quads = quadsOf(shape);
  const kernel = new KernelSource();
  const partials = kernel.bind(options.partials, 'vec4f');
  const [scale, shift] = [kernel.bind(options.scale, 'vec4f'), kernel.bind(options.shift, 'vec4f')];
  const coefficients = kernel.bind(options.coefficients, 'vec4f', 'read_write');
  const channels = kernel.bind(options.channels, 'vec4f', 'read_write');
  declareTotal(kernel);
  return kernel.build({
    label: `batch-norm statistics ${shape.channels}`,
    tuningKey: tiling.tuningKey,
    threads: THREADS,
    workgroups: [quads, 1, 1],
    main: `
let quad = group.x;
var partSum = vec4f();
for (var tile = thread; tile < ${tiling.tileCount}u; tile += ${THREADS}u) {
  partSum += ${partials}[(tile * ${quads}u + quad) * 2u];
}
let mean = total(thread, partSum) / ${floatText(pixelCount)};
var partSquares = vec4f();
for (var tile = thread; tile < ${tiling.tileCount}u; tile += ${THREADS}u) {
  let pixels = f32(${tiling.pixelsOf('tile')});
  let index = (tile * ${quads}u + quad) * 2u;
  let difference = ${partials}[index] / pixels - mean;
  partSquares += ${partials}[index + 1u] + difference * difference * pixels;
}
let squares = total(thread, partSquares);
if (thread == 0u) {
  let inverse = 1.0 / sqrt(squares / ${floatText(pixelCount)} + ${floatText(epsilon)});
  ${rowAt(coefficients, 'mean', quads)} = mean;
  ${rowAt(coefficients, 'gain', quads)} = ${scale}[quad] * inverse;
  ${rowAt(coefficients, 'shift', quads)} = ${shift}[quad];
  ${rowAt(coefficients, 'inverse', quads)} = inverse;
  ${channels}[quad] = mean;
  ${channels}[${quads}u + quad] = squares / ${floatText(Math.max(1, pixelCount - 1))};
}`,
  });
}

export interface GradientSumOptions {
  readonly shape: ActivationShape;
  readonly pixelCount: number;
  readonly tiling: Tiling;
  /** Sum of the gradient g, and sum of g (x - mean). */
  readonly partials: Range;
  /** Their slope and bias are set here, see `normalisationGradient`. */
  readonly coefficients: Range;
  readonly channels: Range;
}

/** Gradients of scale and shift, and the coefficients of the input's gradient. */
export function finishGradientSums(options: GradientSumOptions): Dispatch {
  const { shape, pixelCount, tiling } = options;
  const quads = quadsOf(shape);
  const kernel = new KernelSource();
  const partials = kernel.bind(options.partials, 'vec4f');
  const coefficients = kernel.bind(options.coefficients, 'vec4f', 'read_write');
  const channels = kernel.bind(options.channels, 'vec4f', 'read_write');
  declareTotal(kernel);
  return kernel.build({
    label: `batch-norm gradient sums ${shape.channels}`,
    tuningKey: tiling.tuningKey,
    threads: THREADS,
    workgroups: [quads, 1, 1],
    main: `
let quad = group.x;
var partSum = vec4f();
var partProducts = vec4f();
for (var tile = thread; tile < ${tiling.tileCount}u; tile += ${THREADS}u) {
  let index = (tile * ${quads}u + quad) * 2u;
  partSum += ${partials}[index];
  partProducts += ${partials}[index + 1u];
}
let gradientSum = total(thread, partSum);
let products = total(thread, partProducts);
if (thread == 0u) {
  let inverse = ${rowAt(coefficients, 'inverse', quads)};
  let gain = ${rowAt(coefficients, 'gain', quads)};
  let scaleGradient = products * inverse;
  ${channels}[${2 * quads}u + quad] = scaleGradient;
  ${channels}[${3 * quads}u + quad] = gradientSum;
  ${rowAt(coefficients, 'slope', quads)} = -gain * inverse * scaleGradient / ${floatText(pixelCount)};
  ${rowAt(coefficients, 'bias', quads)} = -gain * gradientSum / ${floatText(pixelCount)};
}`,
  });
}

/** A tree over the threads of a workgroup: one order, whatever the device. */
function declareTotal(kernel: KernelSource): void {
  kernel.workgroupArray('lanes', THREADS);
  kernel.declare(`
fn total(thread: u32, value: vec4f) -> vec4f {
  lanes[thread] = value;
  workgroupBarrier();
  for (var reach = ${THREADS / 2}u; reach > 0u; reach /= 2u) {
    if (thread < reach) { lanes[thread] += lanes[thread + reach]; }
    workgroupBarrier();
  }
  let result = lanes[0];
  workgroupBarrier();
  return result;
}`);
}
