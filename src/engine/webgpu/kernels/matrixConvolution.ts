/**
 * 3x3 convolutions and their input gradients as half-precision matrix products. For each tap, the filter (output channels,
 * input channels) is multiplied by the input (input channels, pixels). Workgroup memory holds the input pixel by pixel,
 * so another tap is only another offset. The input is loaded once, sixteen channels at a time.
 */

import { convolutionKey } from './convolutionTile.js';
import { borderedRead, fetchAndPut } from './fetches.js';
import type { Fetches } from './fetches.js';
import { indices, KernelSource } from './kernelSource.js';
import type { Dispatch } from './kernelSource.js';
import { finishProducts } from './matrixConvolutionFinish.js';
import { gridOf, QUADS, sumName } from './matrixConvolutionParts.js';
import type { MatrixConvolutionOptions } from './matrixConvolutionParts.js';
import { INPUT_STRIDE, isDilated, PRODUCT_CHANNELS } from './matrixConvolutionTile.js';
import { GRADIENT_SCALE } from './matrixOperations.js';
import type { Operand } from './matrixOperations.js';
import { floatText } from './readings.js';
import { shapeText } from './shapes.js';

export function matrixConvolution(options: MatrixConvolutionOptions): Dispatch {
  const { kind, input, output, tile, operations } = options;
  const kernel = new KernelSource();
  const { channelProducts, pixelProducts, images, inputRows, inputColumns } = tile;
  kernel.declare(operations.declare('inputs', images * inputRows * inputColumns * INPUT_STRIDE));
  kernel.declare(operations.declare('filters', tile.filterRows * tile.filterStride));
  kernel.workgroupArray('results', tile.pixelGroups * tile.productPixels * tile.resultStride, 'f32');
  const sums = indices(channelProducts).flatMap((row) =>
    indices(pixelProducts).map((column) => operations.sum(sumName(row, column), tile.shape)),
  );
  const main = `
${operations.prologue}
let firstImage = group.z * ${images}u;
let firstRow = group.x / ${tile.tilesAcross}u * ${tile.rows}u;
let firstColumn = group.x % ${tile.tilesAcross}u * ${tile.columns}u;
let firstChannel = group.y * ${tile.blockProducts * PRODUCT_CHANNELS}u;
let pixelGroup = subgroup % ${tile.pixelGroups}u;
let channelGroup = subgroup / ${tile.pixelGroups}u * ${channelProducts}u;
${indices(isDilated(options) ? 1 : pixelProducts)
  .map((product) => `let start${product} = ${startOf(options, product)};`)
  .join('\n')}
${sums.join('\n')}
${chunkLoop(options, kernel)}
${finishProducts(kernel, options)}`;
  const name = kind === 'forward' ? 'convolution' : 'convolution input gradient';
  return kernel.build({
    label: `${name} ${operations.name} ${shapeText(input)} ${shapeText(output)}`,
    tuningKey: convolutionKey(options),
    threads: tile.threads,
    workgroups: [
      tile.tilesPerImage,
      output.channels / (tile.blockProducts * PRODUCT_CHANNELS),
      tile.imageGroups,
    ],
    main,
    extensions: operations.extensions,
    parameters: operations.parameters,
  });
}

/** Input and filters come one chunk of channels at a time: into registers, then into workgroup memory. */
function chunkLoop(options: MatrixConvolutionOptions, kernel: KernelSource): string {
  const chunks = options.input.channels / PRODUCT_CHANNELS;
  const loads = [inputFetches(options, kernel.reader(options.read)), filterFetches(options, kernel)];
  return `
for (var chunk = 0u; chunk < ${chunks}u; chunk++) {
${loads.map(fetchAndPut).join('\n')}
  workgroupBarrier();
${isDilated(options) ? dilatedProducts(options) : products(options)}
  workgroupBarrier();
}`;
}

/** Start of the input of a subgroup's product, in quads. */
function startOf(options: MatrixConvolutionOptions, product: number): string {
  const { inputRows, inputColumns, productPixels } = options.tile;
  const { across, down, perGroup } = gridOf(options);
  const stride = isDilated(options) ? 1 : options.stride;
  const at = `(pixelGroup * ${perGroup}u + ${product}u)`;
  const row = `${at} / ${across}u % ${down}u * ${stride}u`;
  const column = `${at} % ${across}u * ${productPixels * stride}u`;
  const image = `${at} / ${across * down}u`;
  return `((${image} * ${inputRows}u + ${row}) * ${inputColumns}u + ${column}) * ${INPUT_STRIDE}u`;
}

/** Sixteen channels of the tile's input with its border. A thread loads only one quad of channels. */
function inputFetches(options: MatrixConvolutionOptions, read: string): Fetches {
  const { kind, stride, input, imageCount, tile, operations } = options;
  const { images, inputRows, inputColumns, threads } = tile;
  const cells = inputRows * inputColumns;
  // Below zero it wraps around, and is then outside.
  const origin = (first: string): string =>
    isDilated(options) ? `${first} / 2u` : `${first} * ${stride}u - 1u`;
  const isRagged = imageCount % images !== 0;
  return {
    name: 'input',
    type: 'vec4f',
    count: images * cells * QUADS,
    threads,
    mostTogether: operations.fetchesTogether,
    ...borderedRead({
      read,
      shape: input,
      position: `let cell = index / ${QUADS}u;
let image = firstImage + cell / ${cells}u;
let row = ${origin('firstRow')} + cell % ${cells}u / ${inputColumns}u;
let column = ${origin('firstColumn')} + cell % ${inputColumns}u;`,
      quad: `chunk * ${QUADS}u + index % ${QUADS}u`,
      factor: kind === 'gradient' ? ` * ${floatText(GRADIENT_SCALE)}` : '',
      ...(isRagged && { image: `min(image, ${imageCount - 1}u)`, conditions: [`image < ${imageCount}u`] }),
    }),
    put: (value) =>
      operations.store('inputs', `index / ${QUADS}u * ${INPUT_STRIDE}u + index % ${QUADS}u`, value),
  };
}

/**
 * The filters of the chunk. For the forward pass the order is that of device memory: (tap, input channel) by output channels.
 * For a gradient it is (output channel, which is the layer's input) by (tap, channel of the gradient); for stride 1 the taps
 * are in reverse order.
 */
function filterFetches(options: MatrixConvolutionOptions, kernel: KernelSource): Fetches {
  const { kind, input, output, tile, operations, packedWeights } = options;
  const name = kernel.bind(packedWeights, 'vec4u');
  const { filterRows, filterStride, blockProducts, threads } = tile;
  const isForward = kind === 'forward';
  const octets = filterRows * (isForward ? blockProducts * 2 : 18);
  const across = octets / filterRows;
  // Neighbouring threads read neighbouring memory: for a gradient's filters the next channel, not the next tap.
  const rowAndPart = isForward
    ? `let row = index / ${across}u; let part = index % ${across}u;`
    : `let row = index / 2u % ${filterRows}u; let part = index / ${2 * filterRows}u * 2u + index % 2u;`;
  const from = isForward
    ? `(row / 16u * ${input.channels}u + chunk * 16u + row % 16u) * ${output.channels / 8}u + firstChannel / 8u + part`
    : `(${isDilated(options) ? 'part / 2u' : '(8u - part / 2u)'} * ${output.channels}u + firstChannel + row) * ${input.channels / 8}u + chunk * 2u + part % 2u`;
  return {
    name: 'filter',
    type: 'vec4u',
    count: octets,
    threads,
    mostTogether: operations.fetchesTogether,
    statements: rowAndPart,
    value: `${name}[${from}]`,
    put: (words) => `${rowAndPart}
let to = row * ${filterStride}u + part * 2u;
${operations.storePacked('filters', 'to', words)}`,
  };
}

/** The filters of a tap for a subgroup's output channels. */
function filtersOf({ kind, tile }: MatrixConvolutionOptions, tap: string): Operand[] {
  const { channelProducts, filterStride } = tile;
  return indices(channelProducts).map((product): Operand => {
    const channel = `(channelGroup + ${product}u)`;
    const place =
      kind === 'forward'
        ? `${tap} * ${PRODUCT_CHANNELS * filterStride}u + ${channel} * ${QUADS}u`
        : `${channel} * ${PRODUCT_CHANNELS * filterStride}u + ${tap} * ${QUADS}u`;
    return {
      side: 'left',
      name: `left${product}`,
      array: 'filters',
      offset: place,
      stride: filterStride,
      order: kind === 'forward' ? 'col_major' : 'row_major',
    };
  });
}

const inputAt = (start: string, row: string, { tile }: MatrixConvolutionOptions, column: number): string =>
  `${start} + (${row} * ${tile.inputColumns}u + ${column}u) * ${INPUT_STRIDE}u`;

/** All of a subgroup's products. */
function products(options: MatrixConvolutionOptions): string {
  const taps = [0, 1, 2].map((tapColumn) => tapProducts(options, tapColumn));
  return `
  for (var tapRow = 0u; tapRow < 3u; tapRow++) {
${taps.join('\n')}
  }`;
}

/** Products of one tap of the row `tapRow`. */
function tapProducts(options: MatrixConvolutionOptions, tapColumn: number): string {
  const { stride, tile, operations } = options;
  const { shape, pixelProducts } = tile;
  const lefts = filtersOf(options, `(tapRow * 3u + ${tapColumn}u)`);
  const rights = indices(pixelProducts).map((product): Operand => ({
    side: 'right',
    name: `right${product}`,
    array: 'inputs',
    offset: inputAt(`start${product}`, 'tapRow', options, tapColumn),
    stride: INPUT_STRIDE * stride,
    order: 'col_major',
  }));
  const multiplications = lefts.flatMap((left, row) =>
    rights.map((right, column) => operations.multiply(left, right, sumName(row, column), shape)),
  );
  return [
    '    {',
    ...[...lefts, ...rights].map((operand) => operations.load(operand, shape)),
    ...multiplications,
    '    }',
  ].join('\n');
}

/**
 * For the gradient of a convolution of stride 2: one product for the pixels of each parity of row and column. A tap leads
 * from every pixel of the gradient to pixels of one parity: the middle tap to even ones, the others to odd ones. The first
 * odd pixel is before the gradient's next pixel.
 */
function dilatedProducts(options: MatrixConvolutionOptions): string {
  const { tile, operations } = options;
  const rights = indices(2).map((row) =>
    indices(2).map((column): Operand => ({
      side: 'right',
      name: `right${row}x${column}`,
      array: 'inputs',
      offset: inputAt('start0', `${row}u`, options, column),
      stride: INPUT_STRIDE,
      order: 'col_major',
    })),
  );
  const taps = indices(9).map((tap) => {
    const [tapRow, tapColumn] = [Math.floor(tap / 3), tap % 3];
    const right = rights[tapRow === 0 ? 1 : 0]![tapColumn === 0 ? 1 : 0]!;
    const parity = (tapRow === 1 ? 0 : 2) + (tapColumn === 1 ? 0 : 1);
    const lefts = filtersOf(options, `${tap}u`);
    return [
      '  {',
      ...lefts.map((left) => operations.load(left, tile.shape)),
      ...lefts.map((left, row) => operations.multiply(left, right, sumName(row, parity), tile.shape)),
      '  }',
    ].join('\n');
  });
  return [...rights.flat().map((right) => operations.load(right, tile.shape)), ...taps].join('\n');
}
