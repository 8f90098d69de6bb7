/**
 * Winograd's minimal filtering for 3x3 kernels on 4x4 tiles of outputs (Lavin & Gray, arXiv:1509.09308), as 1-D
 * transforms that are applied to the columns and then to the rows of a tile.
 *
 *   forward          Y  = At [(G g Gt) . (Bt d B)] A          d: input tile, Y: 4x4 outputs
 *   weight gradient  dg = Gt [sum over tiles (Bt d B) . (A dY At)] G
 *   input gradient   dd = B [(G g Gt) . (A dY At)] Bt         added where input tiles overlap
 *
 * A capital is a matrix of the scheme, a following t its transpose. The gradients need the same matrices as the forward pass.
 */

import type { Arithmetic } from '../arithmetic.js';
import {
  addVectors,
  multiplyVectors,
  subtractVectors,
  vector,
} from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder } from '../../../foundation/wasm/functionBuilder.js';

/** Outputs along one side of a tile. */
export const TILE = 4;
export const TAPS = 3;

/** A matrix times a vector of operands, each of which may be used more than once. */
export type Transform = (f: FunctionBuilder, m: Arithmetic, x: readonly V128[]) => readonly V128[];

export interface WinogradScheme {
  readonly stride: 1 | 2;
  /** Inputs along one side of a tile, and positions along one side of the transform domain. */
  readonly points: number;
  readonly input: Transform; // Bt, points -> points
  readonly inputTransposed: Transform; // B
  readonly output: Transform; // At, points -> 4
  readonly outputTransposed: Transform; // A
  readonly weight: Transform; // G, 3 -> points
  readonly weightTransposed: Transform; // Gt
}

export const MOST_POINTS = 9;

/** Positions of the transform domain: each is a product of matrices. */
export const positionsOf = ({ points }: WinogradScheme): number => points * points;

/*
 * F(4, 3) with the points 0, 1, -1, 2, -2 and infinity: 6 products for 12.
 *
 * x64's multiply-add overwrites an operand, so an operand that is needed again costs a copy; and the number of
 * instructions limits the transforms. So differences are shared, and a multiply-add overwrites a value that is no longer needed.
 */

const MINUS_FIVE = vector(-5);
const MINUS_FOUR = vector(-4);
const MINUS_TWO = vector(-2);
const TWO = vector(2);
const FOUR = vector(4);
const EIGHT = vector(8);

const inputTransform: Transform = (f, m, [d0, d1, d2, d3, d4, d5]) => {
  const even2 = f.variable(subtractVectors(d4!, d2!));
  const odd2 = f.variable(subtractVectors(d3!, d1!));
  const twice = f.variable(addVectors(odd2, odd2));
  const even = f.variable(m.multiplyAdd(d2!, MINUS_FOUR, d4!));
  const odd = f.variable(m.multiplyAdd(d1!, MINUS_FOUR, d3!));
  return [
    m.multiplyAdd(subtractVectors(d0!, d2!), FOUR, even2),
    addVectors(even, odd),
    subtractVectors(even, odd),
    addVectors(even2, twice),
    subtractVectors(even2, twice),
    m.multiplyAdd(odd2, MINUS_FOUR, subtractVectors(d5!, d3!)),
  ];
};

const inputTransposed: Transform = (f, m, [v0, v1, v2, v3, v4, v5]) => {
  const sum12 = f.variable(addVectors(v1!, v2!));
  const difference12 = f.variable(subtractVectors(v1!, v2!));
  const sum34 = f.variable(addVectors(v3!, v4!));
  const minusTwice = f.variable(multiplyVectors(subtractVectors(v3!, v4!), MINUS_TWO));
  const outer = subtractVectors(v5!, difference12);
  return [
    multiplyVectors(v0!, FOUR),
    m.multiplyAdd(outer, FOUR, minusTwice),
    subtractVectors(m.multiplyAdd(sum12, MINUS_FOUR, multiplyVectors(v0!, MINUS_FIVE)), sum34),
    m.multiplyAdd(v5!, MINUS_FIVE, subtractVectors(difference12, minusTwice)),
    addVectors(v0!, addVectors(sum12, sum34)),
    v5!,
  ];
};

const outputTransform: Transform = (f, m, [v0, v1, v2, v3, v4, v5]) => {
  const sum12 = f.variable(addVectors(v1!, v2!));
  const difference12 = f.variable(subtractVectors(v1!, v2!));
  const sum34 = f.variable(addVectors(v3!, v4!));
  const difference34 = f.variable(subtractVectors(v3!, v4!));
  return [
    addVectors(v0!, addVectors(sum12, sum34)),
    m.multiplyAdd(difference34, TWO, difference12),
    m.multiplyAdd(sum34, FOUR, sum12),
    m.multiplyAdd(difference34, EIGHT, addVectors(difference12, v5!)),
  ];
};

const outputTransposed: Transform = (f, m, [y0, y1, y2, y3]) => {
  const even = f.variable(addVectors(y0!, y2!));
  const odd = f.variable(addVectors(y1!, y3!));
  const even2 = f.variable(m.multiplyAdd(y2!, FOUR, y0!));
  const odd2 = f.variable(m.multiplyAdd(y3!, FOUR, y1!));
  const twice = f.variable(addVectors(odd2, odd2));
  return [
    y0!,
    addVectors(even, odd),
    subtractVectors(even, odd),
    addVectors(even2, twice),
    subtractVectors(even2, twice),
    y3!,
  ];
};

const weightTransform: Transform = (f, m, [g0, g1, g2]) => {
  const outer = f.variable(multiplyVectors(addVectors(g0!, g2!), vector(-1 / 6)));
  const middle = f.variable(multiplyVectors(g1!, vector(1 / 6)));
  const outer2 = f.variable(m.multiplyAdd(g0!, vector(1 / 24), multiplyVectors(g2!, vector(1 / 6))));
  const middle2 = f.variable(multiplyVectors(g1!, vector(1 / 12)));
  return [
    multiplyVectors(g0!, vector(1 / 4)),
    subtractVectors(outer, middle),
    addVectors(outer, middle),
    addVectors(outer2, middle2),
    subtractVectors(outer2, middle2),
    g2!,
  ];
};

const weightTransposed: Transform = (f, m, [v0, v1, v2, v3, v4, v5]) => {
  const sum12 = f.variable(multiplyVectors(addVectors(v1!, v2!), vector(-1 / 6)));
  const difference21 = subtractVectors(v2!, v1!);
  const sum34 = f.variable(addVectors(v3!, v4!));
  const difference34 = subtractVectors(v3!, v4!);
  return [
    m.multiplyAdd(sum34, vector(1 / 24), m.multiplyAdd(v0!, vector(1 / 4), sum12)),
    m.multiplyAdd(difference34, vector(1 / 12), multiplyVectors(difference21, vector(1 / 6))),
    addVectors(m.multiplyAdd(sum34, vector(1 / 6), sum12), v5!),
  ];
};

/** 36 products for 144. */
export const STRIDE_1: WinogradScheme = {
  stride: 1,
  points: 6,
  input: inputTransform,
  inputTransposed,
  output: outputTransform,
  outputTransposed,
  weight: weightTransform,
  weightTransposed,
};
