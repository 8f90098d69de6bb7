/**
 * What a kernel does with values in registers before it stores them: it adds the contributions of other branches, undoes a
 * ReLU, stores, and writes partial sums for batch normalisation.
 */

import type { ActivationShape } from '../../../model/index.js';
import type { KernelSource, Range, Reading } from './kernelSource.js';
import { quadsOf } from './shapes.js';

export type Finish =
  | { readonly kind: 'store' }
  /** Sum and squared deviations of the stored values. */
  | { readonly kind: 'moments'; readonly partials: Range }
  | GradientFinish;

export interface GradientFinish {
  readonly kind: 'gradient';
  /** Added to the value. */
  readonly terms: readonly Reading[];
  /** The gradient is zero where this is not positive. */
  readonly sign: Reading | undefined;
  /** Sums of the gradient, and of its products with the deviation of batch normalisation's input. */
  readonly products: { readonly deviation: Reading; readonly partials: Range } | undefined;
}

export interface Surroundings {
  readonly shape: ActivationShape;
  readonly result: Range;
  /** The thread's pixels of the variable `image`: WGSL of their position, and a variable with their value. */
  readonly pixels: readonly { readonly row: string; readonly column: string; readonly value: string }[];
  /** WGSL. */
  readonly quad: string;
  readonly tile: string;
  readonly pixelsOfTile: string;
  /** Threads are numbered by lane (each lane has its own quad), then by group. */
  readonly lanes: number;
  readonly groups: number;
}

export function finishStatements(kernel: KernelSource, finish: Finish, around: Surroundings): string {
  const lines = [`let quad = ${around.quad};`];
  lines.push(finishValues(kernel, finish, around));
  if (finish.kind === 'moments') lines.push(moments(kernel, finish.partials, around));
  if (finish.kind === 'gradient' && finish.products) {
    const { partials } = finish.products;
    declareChannelTotal(kernel, around);
    const name = kernel.bind(partials, 'vec4f', 'read_write');
    lines.push(`
let gradientTotal = channelTotal(thread, gradientSum);
let productTotal = channelTotal(thread, productSum);
if (thread < ${around.lanes}u) {
  let at = ((${around.tile}) * ${quadsOf(around.shape)}u + quad) * 2u;
  ${name}[at] = gradientTotal;
  ${name}[at + 1u] = productTotal;
}`);
  }
  return lines.join('\n');
}

/** Finishes and stores each pixel that is inside the image; one that is outside becomes zero. */
function finishValues(kernel: KernelSource, finish: Finish, around: Surroundings): string {
  const { shape, pixels } = around;
  const result = kernel.bind(around.result, 'vec4f', 'read_write');
  const gradient = finish.kind === 'gradient' ? finish : undefined;
  const terms = gradient?.terms.map((term) => kernel.reader(term)) ?? [];
  const sign = gradient?.sign && kernel.reader(gradient.sign);
  const deviation = gradient?.products && kernel.reader(gradient.products.deviation);
  const lines: string[] = [];
  if (deviation !== undefined) lines.push('var gradientSum = vec4f();', 'var productSum = vec4f();');
  for (const { row, column, value } of pixels) {
    lines.push(`if (${row} < ${shape.height}u && ${column} < ${shape.width}u) {`);
    lines.push(`  let row = ${row};`, `  let column = ${column};`);
    const at = '(image, row, column, quad)';
    for (const term of terms) lines.push(`  ${value} += ${term}${at};`);
    if (sign !== undefined) lines.push(`  ${value} = select(vec4f(), ${value}, ${sign}${at} > vec4f());`);
    lines.push(
      `  ${result}[((image * ${shape.height}u + row) * ${shape.width}u + column) * ${quadsOf(shape)}u + quad] = ${value};`,
    );
    if (deviation !== undefined) {
      lines.push(`  gradientSum += ${value};`, `  productSum += ${value} * ${deviation}${at};`);
    }
    lines.push(finish.kind === 'moments' ? `} else { ${value} = vec4f(); }` : '}');
  }
  return lines.join('\n');
}

/** Sum, and squares relative to the tile's own mean, which loses no digits (Chan, Golub & LeVeque 1979). */
function moments(kernel: KernelSource, partials: Range, around: Surroundings): string {
  declareChannelTotal(kernel, around);
  const name = kernel.bind(partials, 'vec4f', 'read_write');
  const { pixels, shape, lanes } = around;
  return `
let channelSum = channelTotal(thread, ${pixels.map(({ value }) => value).join(' + ')});
let channelMean = channelSum / f32(${around.pixelsOfTile});
var squares = vec4f();
${pixels
  .map(
    ({ row, column, value }) => `{
  let difference = select(vec4f(), ${value} - channelMean, ${row} < ${shape.height}u && ${column} < ${shape.width}u);
  squares += difference * difference;
}`,
  )
  .join('\n')}
let squareTotal = channelTotal(thread, squares);
if (thread < ${lanes}u) {
  let at = ((${around.tile}) * ${quadsOf(shape)}u + quad) * 2u;
  ${name}[at] = channelSum;
  ${name}[at + 1u] = squareTotal;
}`;
}

/** The sum over the threads of one lane, in their order; all of them get it. */
function declareChannelTotal(kernel: KernelSource, { lanes, groups }: Surroundings): void {
  kernel.once('channelTotal', () => {
    kernel.workgroupArray('parts', lanes * groups);
    kernel.workgroupArray('totals', lanes);
    kernel.declare(`
fn channelTotal(thread: u32, value: vec4f) -> vec4f {
  parts[thread] = value;
  workgroupBarrier();
  if (thread < ${lanes}u) {
    var sum = vec4f();
    for (var index = thread; index < ${lanes * groups}u; index += ${lanes}u) { sum += parts[index]; }
    totals[thread] = sum;
  }
  workgroupBarrier();
  return totals[thread % ${lanes}u];
}`);
  });
}
