/**
 * Products of small matrices by the threads of a subgroup: half-precision operands in workgroup memory, single-precision
 * sums in registers. GPUs have special units for them ("tensor cores"); tests use an emulation with the same interface.
 */

import type { WorkgroupLimits } from './limits.js';

/** Of one product: (m, k) times (k, n). */
export interface MatrixShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Which index is contiguous in memory. */
export type MatrixOrder = 'row_major' | 'col_major';

/** A matrix in an array of `MatrixOperations.element`: offset and stride count elements, so quads of numbers. */
export interface Operand {
  readonly side: 'left' | 'right';
  /** The WGSL variable that it is loaded into. */
  readonly name: string;
  readonly array: string;
  /** WGSL. */
  readonly offset: string;
  readonly stride: number;
  readonly order: MatrixOrder;
}

/** Where a sum goes, in an `array<f32>`: offset and stride count numbers. */
export interface Destination {
  readonly array: string;
  readonly offset: string;
  readonly stride: number;
  readonly order: MatrixOrder;
}

/** Generates WGSL. All threads of a subgroup must execute these together, except `store…` of elements. */
export interface MatrixOperations {
  /** Part of the names of numerics classes. */
  readonly name: string;
  readonly extensions: readonly string[];
  readonly parameters: readonly string[];
  /** Statements that define `subgroup`, the number of a thread's subgroup, unless it is a parameter. */
  readonly prologue: string;
  readonly elementBytes: number;
  /** Loads of a thread to workgroup memory that are written out, without a loop: see `Fetches`. */
  readonly fetchesTogether: number;
  /** Declares an array of `length` quads of half-precision numbers. */
  readonly declare: (array: string, length: number) => string;
  /** Rounds a `vec4f`. */
  readonly store: (array: string, index: string, value: string) => string;
  /** Stores a `vec4u` of eight packed numbers as two elements. */
  readonly storePacked: (array: string, index: string, words: string) => string;
  readonly sum: (name: string, shape: MatrixShape) => string;
  readonly load: (operand: Operand, shape: MatrixShape) => string;
  readonly multiply: (left: Operand, right: Operand, sum: string, shape: MatrixShape) => string;
  readonly storeSum: (sum: string, to: Destination, shape: MatrixShape) => string;
}

/** What plans with half-precision convolutions need to know about the device. */
export interface MatrixUnit {
  readonly operations: MatrixOperations;
  readonly limits: WorkgroupLimits;
}

export const SUBGROUP_THREADS = 32;

/** Gradients are small, and float16 has a small range: they are multiplied by this before they are rounded. */
export const GRADIENT_SCALE = 1024;

const left = ({ k, m }: MatrixShape): string => `subgroup_matrix_left<f16, ${k}, ${m}>`;
const right = ({ n, k }: MatrixShape): string => `subgroup_matrix_right<f16, ${n}, ${k}>`;
const result = ({ n, m }: MatrixShape): string => `subgroup_matrix_result<f32, ${n}, ${m}>`;

const SUBGROUPS = {
  name: 'f16',
  extensions: ['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'],
  parameters: ['@builtin(subgroup_id) subgroup: u32'],
  prologue: '',
  elementBytes: 8,
  fetchesTogether: 12, // on an H200 a wide network takes a quarter more time with loops of six
  sum: (name, shape) => `var ${name} = ${result(shape)}();`,
  multiply: (a, b, sum) => `${sum} = subgroupMatrixMultiplyAccumulate(${a.name}, ${b.name}, ${sum});`,
  storeSum: (sum, { array, offset, stride, order }) =>
    `subgroupMatrixStore<${order}>(&${array}, ${offset}, ${sum}, ${stride}u);`,
} satisfies Partial<MatrixOperations>;

const typeOf = ({ side }: Operand, shape: MatrixShape): string =>
  side === 'left' ? left(shape) : right(shape);

/** With Dawn's experimental extension, from arrays of vectors: whole quads are stored at once. */
export const SUBGROUP_MATRICES: MatrixOperations = {
  ...SUBGROUPS,
  declare: (array, length) => `var<workgroup> ${array}: array<vec4<f16>, ${length}>;`,
  store: (array, index, value) => `${array}[${index}] = vec4<f16>(${value});`,
  storePacked: (array, index, words) =>
    [
      `${array}[${index}] = bitcast<vec4<f16>>(${words}.xy);`,
      `${array}[${index} + 1u] = bitcast<vec4<f16>>(${words}.zw);`,
    ].join('\n'),
  load: (operand, shape) =>
    `let ${operand.name} = subgroupMatrixLoad<${typeOf(operand, shape)}, ${operand.order}>(&${operand.array}, ${operand.offset}, ${operand.stride}u);`,
};

/** The same from arrays of single numbers, for a driver that uses the wrong unit for offsets and strides. */
export const SUBGROUP_MATRICES_OF_SCALARS: MatrixOperations = {
  ...SUBGROUPS,
  declare: (array, length) => `var<workgroup> ${array}: array<f16, ${length * 4}>;`,
  store: (array, index, value) => storeScalars(array, index, `vec4<f16>(${value})`),
  storePacked: (array, index, words) =>
    [
      storeScalars(array, index, `bitcast<vec4<f16>>(${words}.xy)`),
      storeScalars(array, `${index} + 1u`, `bitcast<vec4<f16>>(${words}.zw)`),
    ].join('\n'),
  load: (operand, shape) =>
    `let ${operand.name} = subgroupMatrixLoad<${typeOf(operand, shape)}, ${operand.order}>(&${operand.array}, (${operand.offset}) * 4u, ${operand.stride * 4}u);`,
};

function storeScalars(array: string, index: string, value: string): string {
  const lanes = ['x', 'y', 'z', 'w'];
  const stores = lanes.map((lane, at) => `${array}[(${index}) * 4u + ${at}u] = rounded.${lane};`);
  return `{ let rounded = ${value}; ${stores.join(' ')} }`;
}
