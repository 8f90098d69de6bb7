/**
 * Gradient of a convolution by its filter, as half-precision matrix products: for each tap, (input channels, pixels)
 * of the shifted input times (pixels, output channels) of the gradient. The sums over a workgroup's pixels stay in
 * registers, and a second kernel adds those of all workgroups in one order.
 */

import { borderedRead, fetchAndPut } from './fetches.js';
import type { Fetches } from './fetches.js';
import { allocate, indices, KernelSource } from './kernelSource.js';
import type { Dispatch, Range, Reading } from './kernelSource.js';
import { PRODUCT_CHANNELS } from './matrixConvolutionTile.js';
import { GRADIENT_SCALE } from './matrixOperations.js';
import type { MatrixOperations, MatrixShape, Operand } from './matrixOperations.js';
import { PRODUCT_PIXELS } from './matrixWeightGradientTile.js';
import type { MatrixWeightGradientTile } from './matrixWeightGradientTile.js';
import { floatText } from './readings.js';
import { shapeText } from './shapes.js';
import { addParts } from './weightGradient.js';
import { beginTiles, filterLengthOf, weightGradientKey } from './weightGradientTile.js';
import type { WeightGradientSize } from './weightGradientTile.js';

export interface MatrixWeightGradientOptions extends WeightGradientSize {
  readonly tile: MatrixWeightGradientTile;
  readonly operations: MatrixOperations;
  readonly read: Reading;
  readonly readGradient: Reading;
  /** (9, Cin, Cout). */
  readonly result: Range;
}

const SHAPE: MatrixShape = { m: PRODUCT_CHANNELS, n: PRODUCT_CHANNELS, k: PRODUCT_PIXELS };
const QUADS = PRODUCT_CHANNELS / 4;
const TAP_COLUMNS = [0, 1, 2] as const;
const sumName = (tap: number, input: number, output: number): string => `sum${tap}x${input}x${output}`;

/** The two kernels. They run one after the other, and share the partial sums with no other kernel. */
export function matrixWeightGradient(options: MatrixWeightGradientOptions): [Dispatch, Dispatch] {
  const { splits } = options.tile;
  const partials = allocate('partial filter gradients', filterLengthOf(options) * splits);
  return [partialGradients(options, partials), addParts(options, partials, splits, 1 / GRADIENT_SCALE)];
}

function partialGradients(options: MatrixWeightGradientOptions, partials: Range): Dispatch {
  const { input, output, imageCount, tile, operations } = options;
  const { inputBlock, outputBlock, inputProducts, outputProducts } = tile;
  const kernel = new KernelSource();
  kernel.declare(operations.declare('inputs', tile.inputCells * tile.inputStride));
  kernel.declare(operations.declare('gradients', tile.gradientCells * tile.gradientStride));
  const blocksAcross = output.channels / (outputBlock * PRODUCT_CHANNELS);
  const blocksDown = input.channels / (inputBlock * PRODUCT_CHANNELS);
  const sums = TAP_COLUMNS.flatMap((tap) =>
    indices(inputProducts).flatMap((row) =>
      indices(outputProducts).map((column) => operations.sum(sumName(tap, row, column), SHAPE)),
    ),
  );
  const main = `
${operations.prologue}
let firstInput = group.y / ${blocksAcross}u * ${inputBlock * QUADS}u;
let firstOutput = group.y % ${blocksAcross}u * ${outputBlock * QUADS}u;
let tapRow = subgroup % 3u;
let inputGroup = subgroup / 3u % ${inputBlock / inputProducts}u * ${inputProducts}u;
let outputGroup = subgroup / ${(3 * inputBlock) / inputProducts}u * ${outputProducts}u;
${sums.join('\n')}
${beginTiles(tile, imageCount)}
${fetchAndPut(inputFetches(options, kernel.reader(options.read)))}
${fetchAndPut(gradientFetches(options, kernel.reader(options.readGradient)))}
  workgroupBarrier();
  for (var step = 0u; step < ${tile.gradientCells / PRODUCT_PIXELS}u; step++) {
${products(options)}
  }
  workgroupBarrier();
}
${storeSums(options, kernel.bind(partials, 'f32', 'read_write'))}`;
  return kernel.build({
    label: `convolution filter gradient ${operations.name} ${shapeText(input)} ${shapeText(output)}`,
    tuningKey: weightGradientKey(options),
    threads: tile.threads,
    workgroups: [tile.splits, blocksDown * blocksAcross, 1],
    main,
    extensions: operations.extensions,
    parameters: operations.parameters,
  });
}

/** The tile's input with its border; a thread loads only one quad of channels. */
function inputFetches(
  { stride, input, tile, operations }: MatrixWeightGradientOptions,
  read: string,
): Fetches {
  const { inputBlock, inputCells, inputColumns, inputStride } = tile;
  const quads = inputBlock * QUADS;
  return {
    ...operandFetches(
      { tile, operations },
      { array: 'inputs', cells: inputCells, quads, stride: inputStride },
    ),
    name: 'input',
    ...borderedRead({
      read,
      shape: input,
      position: `let cell = index / ${quads}u;
let row = firstRow * ${stride}u - 1u + cell / ${inputColumns}u; // wraps below zero
let column = firstColumn * ${stride}u - 1u + cell % ${inputColumns}u;`,
      quad: `firstInput + index % ${quads}u`,
    }),
  };
}

/** The tile's gradient; zero outside the tile and the image. */
function gradientFetches({ output, tile, operations }: MatrixWeightGradientOptions, read: string): Fetches {
  const { outputBlock, rows, columns, gradientCells, gradientColumns, gradientStride } = tile;
  const quads = outputBlock * QUADS;
  const conditions: string[] = [];
  if (gradientColumns !== columns) conditions.push(`cell % ${gradientColumns}u < ${columns}u`);
  if (gradientCells !== rows * gradientColumns) conditions.push(`cell < ${rows * gradientColumns}u`);
  return {
    ...operandFetches(
      { tile, operations },
      { array: 'gradients', cells: gradientCells, quads, stride: gradientStride },
    ),
    name: 'gradient',
    ...borderedRead({
      read,
      shape: output,
      position: `let cell = index / ${quads}u;
let row = firstRow + cell / ${gradientColumns}u;
let column = firstColumn + cell % ${gradientColumns}u;`,
      quad: `firstOutput + index % ${quads}u`,
      factor: ` * ${floatText(GRADIENT_SCALE)}`,
      conditions,
    }),
  };
}

interface OperandArray {
  readonly array: string;
  readonly cells: number;
  /** Of a cell. */
  readonly quads: number;
  /** Between neighbouring cells. */
  readonly stride: number;
}

/** Load `index` is one quad of a cell; all quads of a cell come one after the other. */
function operandFetches(
  { tile, operations }: Pick<MatrixWeightGradientOptions, 'tile' | 'operations'>,
  { array, cells, quads, stride }: OperandArray,
): Pick<Fetches, 'type' | 'count' | 'threads' | 'mostTogether' | 'put'> {
  return {
    type: 'vec4f',
    count: cells * quads,
    threads: tile.threads,
    mostTogether: operations.fetchesTogether,
    put: (value) => operations.store(array, `index / ${quads}u * ${stride}u + index % ${quads}u`, value),
  };
}

/** Products of one step of sixteen pixels with a row of taps. */
function products({ stride, tile, operations }: MatrixWeightGradientOptions): string {
  const { inputProducts, outputProducts, inputColumns, inputStride, gradientStride, columns } = tile;
  const steps = columns / PRODUCT_PIXELS;
  const cell = tile.isLinear
    ? `step * ${PRODUCT_PIXELS * stride}u`
    : `step / ${steps}u * ${stride * inputColumns}u + step % ${steps}u * ${PRODUCT_PIXELS * stride}u`;
  const rights = indices(outputProducts).map((product): Operand => ({
    side: 'right',
    name: `right${product}`,
    array: 'gradients',
    offset: `step * ${PRODUCT_PIXELS * gradientStride}u + (outputGroup + ${product}u) * ${QUADS}u`,
    stride: gradientStride,
    order: 'row_major',
  }));
  const taps = TAP_COLUMNS.flatMap((tap) =>
    indices(inputProducts).flatMap((product) => {
      const left: Operand = {
        side: 'left',
        name: `left${tap}x${product}`,
        array: 'inputs',
        offset: `(first + ${tap}u) * ${inputStride}u + (inputGroup + ${product}u) * ${QUADS}u`,
        stride: stride * inputStride,
        order: 'col_major',
      };
      return [
        operations.load(left, SHAPE),
        ...rights.map((right, output) =>
          operations.multiply(left, right, sumName(tap, product, output), SHAPE),
        ),
      ];
    }),
  );
  return [
    `    let first = ${cell} + tapRow * ${inputColumns}u;`,
    ...rights.map((right) => operations.load(right, SHAPE)),
    ...taps,
  ].join('\n');
}

function storeSums({ input, output, tile, operations }: MatrixWeightGradientOptions, name: string): string {
  const { inputProducts, outputProducts } = tile;
  return TAP_COLUMNS.flatMap((tap) =>
    indices(inputProducts).flatMap((row) =>
      indices(outputProducts).map((column) => {
        const channel = `firstInput * 4u + (inputGroup + ${row}u) * ${PRODUCT_CHANNELS}u`;
        const filter = `((group.x * 9u + tapRow * 3u + ${tap}u) * ${input.channels}u + ${channel})`;
        const offset = `${filter} * ${output.channels}u + firstOutput * 4u + (outputGroup + ${column}u) * ${PRODUCT_CHANNELS}u`;
        const to = { array: name, offset, stride: output.channels, order: 'row_major' } as const;
        return operations.storeSum(sumName(tap, row, column), to, SHAPE);
      }),
    ),
  ).join('\n');
}
