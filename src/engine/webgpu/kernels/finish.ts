/**
 * What a kernel does with values in registers before it stores them: it adds the contributions of other branches, undoes a
 * ReLU, stores, and writes partial sums for batch normalisation.
 */

import type { ActivationShape } from '../../../model/index.js';
import { indices } from './kernelSource.js';
import type { KernelSource, Range, Reading } from './kernelSource.js';
import { nearestInside, quadsOf } from './shapes.js';

export type Finish =
  | { readonly kind: 'store'; readonly terms?: readonly Reading[] }
  /** Sum and squared deviations of the stored values. */
  | { readonly kind: 'moments'; readonly partials: Range; readonly terms?: readonly Reading[] }
  | GradientFinish;

export interface GradientFinish {
  readonly kind: 'gradient';
  /** Added to the value. */
  readonly terms: readonly Reading[];
  /** The gradient is zero where this is not positive. */
  readonly sign: Reading | undefined;
  /** Multiplied with: the derivative of a smooth activation. */
  readonly factor?: Reading | undefined;
  /** Sums of the gradient, and of its products with the deviation of batch normalisation's input. */
  readonly products: { readonly deviation: Reading; readonly partials: Range } | undefined;
}

/** What is read to finish a value, besides the value. */
export function readBy(finish: Finish): Reading[] {
  const { terms = [] } = finish;
  if (finish.kind !== 'gradient') return [...terms];
  const { sign, factor, products } = finish;
  return [...terms, sign, factor, products?.deviation].filter((reading) => reading !== undefined);
}

/** Buffers that are written: the value, and partial sums if there are any. */
export function writtenBy(finish: Finish): number {
  const hasPartials = finish.kind === 'gradient' ? finish.products !== undefined : finish.kind === 'moments';
  return hasPartials ? 2 : 1;
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

/** Pixels that are read for before the first of them is stored. */
const PIXELS_TOGETHER = 8;

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

/**
 * Finishes and stores each pixel that is inside the image; one that is outside becomes zero. What is read for a few pixels is
 * read before the first of them is stored, without branches, so that these loads do not wait for each other.
 */
function finishValues(kernel: KernelSource, finish: Finish, around: Surroundings): string {
  const lines: string[] = [];
  if (finish.kind === 'gradient' && finish.products !== undefined) {
    lines.push('var gradientSum = vec4f();', 'var productSum = vec4f();');
  }
  for (let first = 0; first < around.pixels.length; first += PIXELS_TOGETHER) {
    const pixels = around.pixels.slice(first, first + PIXELS_TOGETHER);
    lines.push('{', readPixels(kernel, finish, { ...around, pixels }));
    lines.push(storePixels(kernel, finish, { ...around, pixels }), '}');
  }
  return lines.join('\n');
}

/** Reads, for each pixel, what `storePixels` combines with its value; outside the image, from the nearest pixel inside. */
function readPixels(kernel: KernelSource, finish: Finish, { shape, pixels }: Surroundings): string {
  const gradient = finish.kind === 'gradient' ? finish : undefined;
  const named: [string, Reading | undefined][] = [
    ...(finish.terms ?? []).map((term, index): [string, Reading] => [`term${index}_`, term]),
    ['sign', gradient?.sign],
    ['factor', gradient?.factor],
    ['deviation', gradient?.products?.deviation],
  ];
  const readers = named.flatMap(([name, reading]) =>
    reading ? [[name, kernel.reader(reading)] as const] : [],
  );
  if (readers.length === 0) return '';
  return pixels
    .flatMap(({ row, column }, pixel) =>
      readers.map(
        ([name, reader]) =>
          `let ${name}${pixel} = ${reader}(image, ${nearestInside(row, column, shape)}, quad);`,
      ),
    )
    .join('\n');
}

function storePixels(kernel: KernelSource, finish: Finish, around: Surroundings): string {
  const { shape, pixels } = around;
  const result = kernel.bind(around.result, 'vec4f', 'read_write');
  const gradient = finish.kind === 'gradient' ? finish : undefined;
  const lines: string[] = [];
  for (const [pixel, { row, column, value }] of pixels.entries()) {
    lines.push(`if (${row} < ${shape.height}u && ${column} < ${shape.width}u) {`);
    for (const term of indices(finish.terms?.length ?? 0)) lines.push(`  ${value} += term${term}_${pixel};`);
    if (gradient?.sign) lines.push(`  ${value} = select(vec4f(), ${value}, sign${pixel} > vec4f());`);
    if (gradient?.factor) lines.push(`  ${value} *= factor${pixel};`);
    lines.push(
      `  ${result}[((image * ${shape.height}u + ${row}) * ${shape.width}u + ${column}) * ${quadsOf(shape)}u + quad] = ${value};`,
    );
    if (gradient?.products) {
      lines.push(`  gradientSum += ${value};`, `  productSum += ${value} * deviation${pixel};`);
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
