/**
 * The operations of matrixOperations.ts in plain WGSL, for devices without matrix units: operands are packed
 * in the same way, and each of the 32 threads of a "subgroup" holds some elements of a result.
 */

import { SUBGROUP_THREADS } from '../../src/engine/webgpu/kernels/matrixOperations.js';
import type {
  MatrixOperations,
  MatrixShape,
  Operand,
} from '../../src/engine/webgpu/kernels/matrixOperations.js';

/** Columns of a row per thread. */
const share = ({ m, n }: MatrixShape): number => (m * n) / SUBGROUP_THREADS;

/** WGSL of one element; rows and columns are WGSL too. */
function elementOf({ name, array, stride, order }: Operand, row: string, column: string): string {
  const [major, minor] = order === 'row_major' ? [row, column] : [column, row];
  const quad = `${array}[${name} + (${major}) * ${stride}u + (${minor}) / 4u]`;
  return `unpack2x16float(${quad}[(${minor}) % 4u / 2u])[(${minor}) % 2u]`;
}

const rowOf = (shape: MatrixShape): string => `(thread % 32u / ${shape.n / share(shape)}u)`;
const columnOf = (shape: MatrixShape, element: string): string =>
  `(thread % 32u % ${shape.n / share(shape)}u * ${share(shape)}u + ${element})`;

const packed = (value: string): string => `vec2u(pack2x16float((${value}).xy), pack2x16float((${value}).zw))`;

export const EMULATED_MATRICES: MatrixOperations = {
  name: 'emulated-f16',
  extensions: [],
  parameters: [],
  prologue: `let subgroup = thread / ${SUBGROUP_THREADS}u;`,
  elementBytes: 8,
  fetchesTogether: 4, // SwiftShader compiles long kernels of this emulation for minutes
  declare: (array, length) => `var<workgroup> ${array}: array<vec2u, ${length}>;`,
  store: (array, index, value) => `${array}[${index}] = ${packed(value)};`,
  storePacked: (array, index, words) =>
    [`${array}[${index}] = ${words}.xy;`, `${array}[${index} + 1u] = ${words}.zw;`].join('\n'),
  sum: (name, shape) => `var ${name} = array<f32, ${share(shape)}>();`,
  load: ({ name, offset }) => `let ${name} = ${offset};`,
  multiply: (left, right, sum, shape) => `
for (var inner = 0u; inner < ${shape.k}u; inner++) {
  let factor = ${elementOf(left, rowOf(shape), 'inner')};
  for (var element = 0u; element < ${share(shape)}u; element++) {
    ${sum}[element] += factor * ${elementOf(right, 'inner', columnOf(shape, 'element'))};
  }
}`,
  storeSum: (sum, { array, offset, stride, order }, shape) => {
    const [row, column] = [rowOf(shape), columnOf(shape, 'element')];
    const [major, minor] = order === 'row_major' ? [row, column] : [column, row];
    return `
for (var element = 0u; element < ${share(shape)}u; element++) {
  ${array}[${offset} + ${major} * ${stride}u + ${minor}] = ${sum}[element];
}`;
  },
};
