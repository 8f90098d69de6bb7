/**
 * 3x3 convolution with one pixel of zeros on every side or none, and its gradient by the input. The input may be computed while it
 * is loaded (batch normalisation and ReLU, or the gradient of batch normalisation). The output is finished while it is in
 * registers: see `finish.ts`.
 */

import { convolutionKey, tilingOf } from './convolutionTile.js';
import type { Border, ConvolutionSize, ConvolutionTile } from './convolutionTile.js';
import { borderedRead, declareFetches, fetchAll, putAll } from './fetches.js';
import type { Fetches } from './fetches.js';
import { finishStatements } from './finish.js';
import type { Finish } from './finish.js';
import { indices, KernelSource, repeat } from './kernelSource.js';
import type { Dispatch, Range, Reading } from './kernelSource.js';
import { quadsOf, shapeText } from './shapes.js';

export interface ConvolutionOptions extends ConvolutionSize {
  readonly read: Reading;
  /** (9, Cin, Cout) of the layer, channels padded to quads. */
  readonly weights: Range;
  readonly result: Range;
  readonly finish: Finish;
  readonly tile: ConvolutionTile;
}

export function convolution(options: ConvolutionOptions): Dispatch {
  const { kind, input, output, imageCount, tile } = options;
  const quads = indices(tile.quadsPerThread);
  const kernel = new KernelSource();
  kernel.workgroupArray('inputs', tile.chunkQuads * tile.inputRows * tile.pitch);
  kernel.workgroupArray('filters', 36 * tile.chunkQuads * tile.blockQuads);
  const main = `
let image = group.z;
let firstRow = group.x / ${tile.tilesAcross}u * ${tile.rows}u;
let firstColumn = group.x % ${tile.tilesAcross}u * ${tile.columns}u;
let firstQuad = group.y * ${tile.blockQuads}u;
let lane = thread % ${tile.lanes}u;
let strip = thread / ${tile.lanes}u;
let stripRow = strip % ${tile.rows}u;
let stripColumn = strip / ${tile.rows}u * ${tile.strip}u;
${quads.map((quad) => repeat(tile.strip, (pixel) => `var ${sumName(quad, pixel)} = vec4f();`)).join('\n')}
${chunkLoop(options, kernel)}
${quads.map((quad) => `{\n${finishQuad(kernel, options, quad)}\n}`).join('\n')}`;
  const name = kind === 'forward' ? 'convolution' : 'convolution input gradient';
  return kernel.build({
    label: `${name} ${shapeText(input)} ${shapeText(output)}`,
    tuningKey: convolutionKey(options),
    threads: tile.threads,
    workgroups: [tile.tilesPerImage, quadsOf(output) / tile.blockQuads, imageCount],
    main,
  });
}

/** Input and filter are loaded one chunk of channels at a time: into registers, then into workgroup memory. */
function chunkLoop(options: ConvolutionOptions, kernel: KernelSource): string {
  const { kind, stride, border, input, tile } = options;
  const chunks = quadsOf(input) / tile.chunkQuads;
  const loads = [inputFetches(options, kernel.reader(options.read)), filterFetches(options, kernel)];
  const declare = loads.map(declareFetches).join('\n');
  const fetch = loads.map(fetchAll).join('\n');
  const put = loads.map(putAll).join('\n');
  const multiply = `
  for (var part = 0u; part < ${tile.chunkQuads}u; part++) {
    for (var tap = 0u; tap < 3u; tap++) {
${kind === 'gradient' && stride === 2 ? dilatedProducts(tile, border) : products(tile, kind === 'forward' ? stride : 1)}
    }
  }`;
  if (tile.isAhead !== true) {
    return `
for (var chunk = 0u; chunk < ${chunks}u; chunk++) {
${declare}
${fetch}
${put}
  workgroupBarrier();
${multiply}
  workgroupBarrier();
}`;
  }
  // The next chunk is loaded while this one is computed.
  return `
var chunk = 0u;
${declare}
${fetch}
loop {
${put}
  workgroupBarrier();
  chunk++;
  if (chunk < ${chunks}u) {
${fetch}
  }
${multiply}
  if (chunk >= ${chunks}u) { break; }
  workgroupBarrier();
}
workgroupBarrier();`;
}

const sumName = (quad: number, pixel: number): string => `sum${quad}x${pixel}`;

/** Finishes one of a thread's quads of channels. */
function finishQuad(kernel: KernelSource, options: ConvolutionOptions, quad: number): string {
  const { tile } = options;
  return finishStatements(kernel, options.finish, {
    shape: options.output,
    result: options.result,
    pixels: Array.from({ length: tile.strip }, (_, pixel) => ({
      row: 'firstRow + stripRow',
      column: `firstColumn + stripColumn + ${pixel}u`,
      value: sumName(quad, pixel),
    })),
    quad: `firstQuad + lane + ${quad * tile.lanes}u`,
    tile: `image * ${tile.tilesPerImage}u + group.x`,
    pixelsOfTile: tilingOf(options, tile).pixelsOf('group.x'),
    lanes: tile.lanes,
    groups: tile.strips,
  });
}

/** The tile's input with its border, vectors of four channels. */
function inputFetches({ kind, stride, border, input, tile }: ConvolutionOptions, read: string): Fetches {
  const { chunkQuads, inputRows, inputColumns, pitch, threads } = tile;
  const isDilated = kind === 'gradient' && stride === 2;
  const origin = (first: string): string => {
    // Wraps below zero.
    if (isDilated) return `${first} / 2u - ${1 - border}u`;
    return kind === 'forward' ? `${first} * ${stride}u - ${border}u` : `${first} - ${2 - border}u`;
  };
  const [row, column] = [
    `index / ${chunkQuads}u / ${inputColumns}u`,
    `index / ${chunkQuads}u % ${inputColumns}u`,
  ];
  return {
    name: 'input',
    type: 'vec4f',
    threads,
    count: chunkQuads * inputRows * inputColumns,
    ...borderedRead({
      read,
      shape: input,
      position: `let row = ${origin('firstRow')} + ${row};
let column = ${origin('firstColumn')} + ${column};`,
      quad: `chunk * ${chunkQuads}u + index % ${chunkQuads}u`,
    }),
    put: (value) =>
      `inputs[(index % ${chunkQuads}u * ${inputRows}u + ${row}) * ${pitch}u + ${column}] = ${value};`,
  };
}

/** The chunk's weights as (tap, input channel, output quad), for a gradient with taps and channels exchanged. */
function filterFetches(options: ConvolutionOptions, kernel: KernelSource): Fetches {
  const { kind, stride, input, output, weights, tile } = options;
  const { chunkQuads, blockQuads, threads } = tile;
  const channels = chunkQuads * 4;
  const common = {
    name: 'filter',
    type: 'vec4f',
    threads,
    count: 36 * chunkQuads * blockQuads,
  } as const;
  if (kind === 'forward') {
    const name = kernel.bind(weights, 'vec4f');
    const [tap, channel] = [`index / ${blockQuads * channels}u`, `index / ${blockQuads}u % ${channels}u`];
    return {
      ...common,
      statements: '',
      value: `${name}[(${tap} * ${quadsOf(input) * 4}u + chunk * ${channels}u + ${channel}) * ${quadsOf(output)}u + firstQuad + index % ${blockQuads}u]`,
      put: (value) => `filters[index] = ${value};`,
    };
  }
  const name = kernel.bind(weights, 'f32');
  const rowLength = quadsOf(input) * 4;
  const [tap, quad, channel] = [
    `(index / ${channels * blockQuads}u)`,
    `index / ${channels}u % ${blockQuads}u`,
    `index % ${channels}u`,
  ];
  const lanes = [0, 1, 2, 3].map((lane) => `${name}[start + ${lane * rowLength}u]`);
  return {
    ...common,
    statements: `let start = (${stride === 1 ? `(8u - ${tap})` : tap} * ${quadsOf(output) * 4}u + (firstQuad + ${quad}) * 4u) * ${rowLength}u + chunk * ${channels}u + ${channel};`,
    value: `vec4f(${lanes.join(', ')})`,
    put: (value) => `filters[(${tap} * ${channels}u + ${channel}) * ${blockQuads}u + ${quad}] = ${value};`,
  };
}

/** One row of taps: every loaded vector is used by up to three taps. */
function products(tile: ConvolutionTile, stride: 1 | 2): string {
  const { strip, inputRows, pitch } = tile;
  const width = (strip - 1) * stride + 3;
  return `
      let start = (part * ${inputRows}u + stripRow * ${stride}u + tap) * ${pitch}u + stripColumn * ${stride}u;
${repeat(width, (column) => `      let x${column} = inputs[start + ${column}u];`)}
${repeat(3, (across) => tapProducts(tile, across, (pixel) => pixel * stride + across))}`;
}

/**
 * One row of taps of the gradient of a convolution of stride 2: which taps reach a pixel depends on whether its row and
 * column are even. Strips start at even columns.
 */
function dilatedProducts(tile: ConvolutionTile, border: Border): string {
  const { strip, inputRows, pitch } = tile;
  const columnOf = (across: number) => (pixel: number) => {
    const position = pixel + 2 - border - across;
    return position % 2 === 0 ? position / 2 : undefined;
  };
  return `
      let doubled = stripRow + ${2 - border}u - tap;
      if ((doubled & 1u) == 0u) {
      let start = (part * ${inputRows}u + doubled / 2u) * ${pitch}u + stripColumn / 2u;
${repeat(strip / 2 + 1, (column) => `      let x${column} = inputs[start + ${column}u];`)}
${repeat(3, (across) => tapProducts(tile, across, columnOf(across)))}
      }`;
}

/** Products of one tap of the row `tap` with every pixel of the strip that it reaches. */
function tapProducts(
  tile: ConvolutionTile,
  across: number,
  columnOf: (pixel: number) => number | undefined,
): string {
  const { strip, chunkQuads, blockQuads, lanes, quadsPerThread } = tile;
  const row = `(tap * 3u + ${across}u) * ${chunkQuads * 4}u + part * 4u`;
  const lines: string[] = [];
  for (let quad = 0; quad < quadsPerThread; quad++) {
    const weights = ['x', 'y', 'z', 'w'].map((lane) => `w${across}${quad}${lane}`);
    weights.forEach((name, channel) =>
      lines.push(
        `      let ${name} = filters[(${row} + ${channel}u) * ${blockQuads}u + lane + ${quad * lanes}u];`,
      ),
    );
    for (let pixel = 0; pixel < strip; pixel++) {
      const column = columnOf(pixel);
      if (column === undefined) continue;
      for (const [channel, name] of weights.entries()) {
        lines.push(`      ${sumName(quad, pixel)} += x${column}.${'xyzw'[channel]!} * ${name};`);
      }
    }
  }
  return lines.join('\n');
}
