/**
 * Gradient of a convolution by its filter: dW[i, j, c, k] = sum over n, p, q of
 * x[n, p s + i - 1, q s + j - 1, c] dy[n, p, q, k].
 *
 * Workgroups share the pixels (and the channels, if there are many). A thread holds one row of taps by four by four channels
 * in registers. Each workgroup writes a partial sum, and a second kernel adds them in one order.
 */

import type { ActivationShape } from '../../../model/index.js';
import { borderedRead, fetchAndPut } from './fetches.js';
import { allocate, KernelSource, repeat } from './kernelSource.js';
import type { Dispatch, Range, Reading } from './kernelSource.js';
import { floatText } from './readings.js';
import { quadsOf, shapeText } from './shapes.js';
import { beginTiles, filterLengthOf, weightGradientKey } from './weightGradientTile.js';
import type { WeightGradientSize, WeightGradientTile } from './weightGradientTile.js';

export interface WeightGradientOptions extends WeightGradientSize {
  readonly tile: WeightGradientTile;
  readonly read: Reading;
  readonly readGradient: Reading;
  /** (9, Cin, Cout), channels padded to quads. */
  readonly result: Range;
}

/** The two kernels. They run one after the other, and share the partial sums with no other kernel. */
export function weightGradient(options: WeightGradientOptions): [Dispatch, Dispatch] {
  const { tile } = options;
  const filterLength = filterLengthOf(options);
  const partCount = tile.splits * tile.teams;
  const partials = allocate('partial filter gradients', filterLength * partCount);
  return [partialGradients(options, partials), addParts(options, partials, partCount)];
}

function partialGradients(options: WeightGradientOptions, partials: Range): Dispatch {
  const { input, output, stride, border, imageCount, tile } = options;
  const kernel = new KernelSource();
  const threads = tile.team * tile.teams;
  kernel.workgroupArray('inputs', tile.inputRows * tile.inputColumns * tile.inputBlock);
  kernel.workgroupArray('gradients', tile.rows * tile.columns * tile.outputBlock);
  const result = kernel.bind(partials, 'vec4f', 'read_write');
  const lanes = ['x', 'y', 'z', 'w'];
  const sums = [0, 1, 2].flatMap((across) => lanes.map((lane) => `sum${across}${lane}`));
  const blocksAcross = quadsOf(output) / tile.outputBlock;
  const main = `
let firstInput = group.y / ${blocksAcross}u * ${tile.inputBlock}u;
let firstOutput = group.y % ${blocksAcross}u * ${tile.outputBlock}u;
let outputLane = thread % ${tile.outputBlock}u;
let inputLane = thread / ${tile.outputBlock}u % ${tile.inputBlock}u;
let tap = thread / ${tile.outputBlock * tile.inputBlock}u % 3u;
let team = thread / ${tile.team}u;
${sums.map((name) => `var ${name} = vec4f();`).join('\n')}
${beginTiles(tile, imageCount)}
${load('inputs', {
  read: kernel.reader(options.read),
  shape: input,
  row: `firstRow * ${stride}u - ${border}u`,
  column: `firstColumn * ${stride}u - ${border}u`,
  rows: tile.inputRows,
  columns: tile.inputColumns,
  block: tile.inputBlock,
  firstQuad: 'firstInput',
  threads,
})}
${load('gradients', {
  read: kernel.reader(options.readGradient),
  shape: output,
  row: 'firstRow',
  column: 'firstColumn',
  rows: tile.rows,
  columns: tile.columns,
  block: tile.outputBlock,
  firstQuad: 'firstOutput',
  threads,
})}
  workgroupBarrier();
  for (var row = team; row < ${tile.rows}u; row += ${tile.teams}u) {
    var at = (row * ${stride}u + tap) * ${tile.inputColumns * tile.inputBlock}u + inputLane;
    var fromGradient = row * ${tile.columns * tile.outputBlock}u + outputLane;
    var x0 = inputs[at];
${stride === 1 ? `    var x1 = inputs[at + ${tile.inputBlock}u];` : ''}
    for (var column = 0u; column < ${tile.columns}u; column++) {
      let dy = gradients[fromGradient];
      fromGradient += ${tile.outputBlock}u;
${stride === 1 ? '' : `      let x1 = inputs[at + ${tile.inputBlock}u];`}
      let x2 = inputs[at + ${2 * tile.inputBlock}u];
      at += ${stride * tile.inputBlock}u;
${repeat(3, (across) => lanes.map((lane) => `      sum${across}${lane} += x${across}.${lane} * dy;`).join('\n'))}
${stride === 1 ? '      x0 = x1;\n      x1 = x2;' : '      x0 = x2;'}
    }
  }
  workgroupBarrier();
}
let part = (group.x * ${tile.teams}u + team) * ${9 * quadsOf(input) * 4}u;
${repeat(3, (across) =>
  lanes
    .map(
      (lane, channel) =>
        `${result}[(part + (tap * 3u + ${across}u) * ${quadsOf(input) * 4}u + (firstInput + inputLane) * 4u + ${channel}u) * ${quadsOf(output)}u + firstOutput + outputLane] = sum${across}${lane};`,
    )
    .join('\n'),
)}`;
  return kernel.build({
    label: `convolution filter gradient ${shapeText(input)} ${shapeText(output)}`,
    tuningKey: weightGradientKey(options),
    threads,
    workgroups: [tile.splits, (quadsOf(input) / tile.inputBlock) * blocksAcross, 1],
    main,
  });
}

interface Loading {
  readonly read: string;
  readonly shape: ActivationShape;
  /** WGSL of the first row and column; below zero they wrap around, and are then outside. */
  readonly row: string;
  readonly column: string;
  readonly rows: number;
  readonly columns: number;
  readonly block: number;
  readonly firstQuad: string;
  readonly threads: number;
}

function load(name: string, loading: Loading): string {
  const { read, shape, row, column, rows, columns, block, threads, firstQuad } = loading;
  return fetchAndPut({
    name,
    type: 'vec4f',
    count: rows * columns * block,
    threads,
    ...borderedRead({
      read,
      shape,
      position: `let cell = index / ${block}u;
let row = ${row} + cell / ${columns}u;
let column = ${column} + cell % ${columns}u;`,
      quad: `${firstQuad} + index % ${block}u`,
    }),
    put: (value) => `${name}[index] = ${value};`,
  });
}

const LANES = 16; // quads of weights of a workgroup, and parts that are added at once

/** @param factor of the sum */
export function addParts(
  options: WeightGradientSize & { readonly result: Range },
  partials: Range,
  partCount: number,
  factor = 1,
): Dispatch {
  const kernel = new KernelSource();
  const quads = filterLengthOf(options) / 4;
  kernel.workgroupArray('parts', LANES * LANES);
  const from = kernel.bind(partials, 'vec4f');
  const to = kernel.bind(options.result, 'vec4f', 'read_write');
  return kernel.build({
    label: `sum of filter gradients ${options.input.channels}x${options.output.channels}`,
    tuningKey: weightGradientKey(options),
    threads: LANES * LANES,
    workgroups: [Math.ceil(quads / LANES), 1, 1],
    main: `
let quad = group.x * ${LANES}u + thread % ${LANES}u;
var sum = vec4f();
if (quad < ${quads}u) {
  for (var part = thread / ${LANES}u; part < ${partCount}u; part += ${LANES}u) { sum += ${from}[part * ${quads}u + quad]; }
}
parts[thread] = sum;
workgroupBarrier();
if (thread < ${LANES}u && quad < ${quads}u) {
  for (var lane = 1u; lane < ${LANES}u; lane++) { sum += parts[lane * ${LANES}u + thread]; }
  ${to}[quad] = sum${factor === 1 ? '' : ` * ${floatText(factor)}`};
}`,
  });
}
