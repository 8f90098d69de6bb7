/** The small kernels at the end of a network: pooling, the dense layer, softmax cross-entropy's gradient. */

import type { ActivationShape, DenseLayer } from '../../../model/index.js';
import { KernelSource } from './kernelSource.js';
import type { Dispatch, Range, Reading } from './kernelSource.js';
import { floatText } from './readings.js';
import { quadsOf } from './shapes.js';

const THREADS = 64;

/** One thread for each of `count` results; `index` is the result's number. */
function flatKernel(kernel: KernelSource, label: string, count: number, statements: string): Dispatch {
  return kernel.build({
    label,
    threads: THREADS,
    workgroups: [Math.ceil(count / THREADS), 1, 1],
    main: `
let index = group.x * ${THREADS}u + thread;
if (index < ${count}u) {
${statements}
}`,
  });
}

/** Mean over H and W: (B, 1, 1, C). */
export function pool(read: Reading, shape: ActivationShape, imageCount: number, result: Range): Dispatch {
  const kernel = new KernelSource();
  const [reader, to] = [kernel.reader(read), kernel.bind(result, 'vec4f', 'read_write')];
  const quads = quadsOf(shape);
  return flatKernel(
    kernel,
    'global average pool',
    imageCount * quads,
    `
  var sum = vec4f();
  for (var row = 0u; row < ${shape.height}u; row++) {
    for (var column = 0u; column < ${shape.width}u; column++) {
      sum += ${reader}(index / ${quads}u, row, column, index % ${quads}u);
    }
  }
  ${to}[index] = sum * ${floatText(1 / (shape.height * shape.width))};`,
  );
}

export interface DenseOptions {
  readonly layer: DenseLayer;
  readonly imageCount: number;
  readonly weights: Range; // (Cin, Cout)
  readonly bias: Range | undefined; // (Cout)
}

/** x W + b, the result padded to quads. */
export function dense(read: Reading, options: DenseOptions, result: Range): Dispatch {
  const { layer, imageCount } = options;
  const [inputs, outputs] = [layer.inputShape.channels, layer.outputShape.channels];
  const padded = quadsOf(layer.outputShape) * 4;
  const kernel = new KernelSource();
  const reader = kernel.reader(read);
  const weights = kernel.bind(options.weights, 'f32');
  const bias = options.bias && kernel.bind(options.bias, 'f32');
  const to = kernel.bind(result, 'f32', 'read_write');
  return flatKernel(
    kernel,
    'dense',
    imageCount * padded,
    `
  let image = index / ${padded}u;
  let output = index % ${padded}u;
  var sum = 0.0;
  if (output < ${outputs}u) {
    for (var quad = 0u; quad < ${quadsOf(layer.inputShape)}u; quad++) {
      let x = ${reader}(image, 0u, 0u, quad);
      for (var lane = 0u; lane < 4u; lane++) {
        let input = quad * 4u + lane;
        if (input < ${inputs}u) { sum += x[lane] * ${weights}[input * ${outputs}u + output]; }
      }
    }
${bias === undefined ? '' : `    sum += ${bias}[output];\n`}  }
  ${to}[index] = sum;`,
  );
}

/** Gradient of the summed softmax cross-entropy by the logits: softmax(logits) - target, padded with zeros. */
export function lossGradient(
  logits: Range,
  targets: { readonly labels: Range; readonly labelSmoothing: Range; readonly otherLabels: Range },
  { classCount, imageCount }: { readonly classCount: number; readonly imageCount: number },
  result: Range,
): Dispatch {
  const kernel = new KernelSource();
  const [from, label] = [kernel.bind(logits, 'f32'), kernel.bind(targets.labels, 'f32')];
  const smoothing = kernel.bind(targets.labelSmoothing, 'f32');
  const other = kernel.bind(targets.otherLabels, 'f32');
  const to = kernel.bind(result, 'f32', 'read_write');
  const padded = Math.ceil(classCount / 4) * 4;
  return flatKernel(
    kernel,
    'softmax cross-entropy gradient',
    imageCount,
    `
  let start = index * ${padded}u;
  var largest = ${from}[start];
  for (var category = 1u; category < ${classCount}u; category++) { largest = max(largest, ${from}[start + category]); }
  var total = 0.0;
  for (var category = 0u; category < ${classCount}u; category++) { total += exp(${from}[start + category] - largest); }
  for (var category = 0u; category < ${padded}u; category++) {
    var value = 0.0;
    if (category < ${classCount}u) {
      let share = select(0.0, ${smoothing}[1], category == u32(${label}[index]))
        + select(0.0, 1.0 - ${smoothing}[1], category == u32(${other}[index]));
      let own = share * (1.0 - ${smoothing}[0]);
      value = exp(${from}[start + category] - largest) / total - own - ${smoothing}[0] / ${classCount}.0;
    }
    ${to}[start + category] = value;
  }`,
  );
}

const SUM_THREADS = 256;

/** Gradients of weight and bias, summed over the images: a workgroup for each input, and one for the bias. */
export function denseParameterGradients(
  read: Reading,
  readGradient: Reading,
  { layer, imageCount, weights, bias }: DenseOptions,
): Dispatch {
  const [inputs, outputs] = [layer.inputShape.channels, layer.outputShape.channels];
  const quads = quadsOf(layer.outputShape);
  const kernel = new KernelSource();
  const [reader, gradient] = [kernel.reader(read), kernel.reader(readGradient)];
  const toWeights = kernel.bind(weights, 'f32', 'read_write');
  const toBias = bias && kernel.bind(bias, 'f32', 'read_write');
  kernel.workgroupArray('lanes', SUM_THREADS);
  return kernel.build({
    label: 'dense parameter gradients',
    threads: SUM_THREADS,
    workgroups: [bias === undefined ? inputs : inputs + 1, quads, 1],
    main: `
let input = group.x;
let quad = group.y;
var sum = vec4f();
for (var image = thread; image < ${imageCount}u; image += ${SUM_THREADS}u) {
  var factor = 1.0;
  if (input < ${inputs}u) { factor = ${reader}(image, 0u, 0u, input / 4u)[input % 4u]; }
  sum += factor * ${gradient}(image, 0u, 0u, quad);
}
lanes[thread] = sum;
workgroupBarrier();
for (var reach = ${SUM_THREADS / 2}u; reach > 0u; reach /= 2u) {
  if (thread < reach) { lanes[thread] += lanes[thread + reach]; }
  workgroupBarrier();
}
let output = quad * 4u + thread;
if (thread < 4u && output < ${outputs}u) {
  if (input < ${inputs}u) { ${toWeights}[input * ${outputs}u + output] = lanes[0][thread]; }
${toBias === undefined ? '' : `  else { ${toBias}[output] = lanes[0][thread]; }\n`}}`,
  });
}

/** Gradient by the dense layer's input, padded with zeros. */
export function denseInputGradient(
  readGradient: Reading,
  { layer, imageCount, weights }: DenseOptions,
  result: Range,
): Dispatch {
  const [inputs, outputs] = [layer.inputShape.channels, layer.outputShape.channels];
  const padded = quadsOf(layer.inputShape) * 4;
  const kernel = new KernelSource();
  const [gradient, from] = [kernel.reader(readGradient), kernel.bind(weights, 'f32')];
  const to = kernel.bind(result, 'f32', 'read_write');
  return flatKernel(
    kernel,
    'dense input gradient',
    imageCount * padded,
    `
  let input = index % ${padded}u;
  var sum = 0.0;
  if (input < ${inputs}u) {
    for (var output = 0u; output < ${outputs}u; output++) {
      let g = ${gradient}(index / ${padded}u, 0u, 0u, output / 4u);
      sum += g[output % 4u] * ${from}[input * ${outputs}u + output];
    }
  }
  ${to}[index] = sum;`,
  );
}
