/**
 * A 3-tap filter of stride 2 reads the even inputs by taps 0 and 2 and the odd ones by tap 1: two filters of stride 1,
 * whose outputs add up. The even half is F(4, 2) with the points 0, 1, -1, 2 and infinity (5 products for 8); the odd
 * half keeps its 4 products. Positions are those of the even half, then those of the odd half: 81 products for 144.
 */

import {
  addVectors,
  multiplyVectors,
  subtractVectors,
  vector,
} from '../../../foundation/wasm/expressions.js';
import type { Transform, WinogradScheme } from './winogradScheme.js';

const MINUS_TWO = vector(-2);
const TWO = vector(2);
const MINUS_THREE = vector(-3);
const FOUR = vector(4);
const EIGHT = vector(8);

const input: Transform = (f, m, [e0, o0, e1, o1, e2, o2, e3, o3, e4]) => {
  const difference31 = f.variable(subtractVectors(e3!, e1!));
  const difference32 = f.variable(subtractVectors(e3!, e2!));
  return [
    m.multiplyAdd(subtractVectors(e0!, e2!), TWO, difference31),
    m.multiplyAdd(e1!, MINUS_TWO, difference32),
    m.multiplyAdd(subtractVectors(e1!, e2!), TWO, difference32),
    difference31,
    m.multiplyAdd(difference31, MINUS_TWO, subtractVectors(e4!, e2!)),
    o0!,
    o1!,
    o2!,
    o3!,
  ];
};

const inputTransposed: Transform = (f, m, [v0, v1, v2, v3, v4, o0, o1, o2, o3]) => {
  const sum03 = f.variable(addVectors(v0!, v3!));
  const rest = f.variable(addVectors(subtractVectors(v2!, v1!), v4!));
  const minusTwice0 = multiplyVectors(v0!, MINUS_TWO);
  return [
    addVectors(v0!, v0!),
    o0!,
    subtractVectors(addVectors(rest, rest), sum03),
    o1!,
    subtractVectors(m.multiplyAdd(v2!, MINUS_THREE, minusTwice0), addVectors(v1!, v4!)),
    o2!,
    m.multiplyAdd(v4!, MINUS_TWO, addVectors(sum03, addVectors(v1!, v2!))),
    o3!,
    v4!,
  ];
};

const output: Transform = (f, m, [v0, v1, v2, v3, v4, o0, o1, o2, o3]) => {
  const sum = f.variable(addVectors(v1!, v2!));
  const difference = f.variable(subtractVectors(v1!, v2!));
  return [
    addVectors(addVectors(v0!, v3!), addVectors(sum, o0!)),
    m.multiplyAdd(v3!, TWO, addVectors(difference, o1!)),
    m.multiplyAdd(v3!, FOUR, addVectors(sum, o2!)),
    m.multiplyAdd(v3!, EIGHT, addVectors(difference, addVectors(v4!, o3!))),
  ];
};

const outputTransposed: Transform = (f, m, [y0, y1, y2, y3]) => {
  const even = f.variable(addVectors(y0!, y2!));
  const odd = f.variable(addVectors(y1!, y3!));
  const even2 = m.multiplyAdd(y2!, FOUR, y0!);
  const odd2 = m.multiplyAdd(y3!, FOUR, y1!);
  return [
    y0!,
    addVectors(even, odd),
    subtractVectors(even, odd),
    m.multiplyAdd(odd2, TWO, even2),
    y3!,
    y0!,
    y1!,
    y2!,
    y3!,
  ];
};

const weight: Transform = (_, m, [g0, g1, g2]) => [
  multiplyVectors(g0!, vector(1 / 2)),
  multiplyVectors(addVectors(g0!, g2!), vector(-1 / 2)),
  multiplyVectors(subtractVectors(g2!, g0!), vector(1 / 6)),
  multiplyVectors(m.multiplyAdd(g2!, TWO, g0!), vector(1 / 6)),
  g2!,
  g1!,
  g1!,
  g1!,
  g1!,
];

const weightTransposed: Transform = (f, m, [v0, v1, v2, v3, v4, o0, o1, o2, o3]) => {
  const half1 = f.variable(multiplyVectors(v1!, vector(-1 / 2)));
  const difference32 = subtractVectors(v3!, v2!);
  const sum = m.multiplyAdd(v3!, TWO, v2!);
  return [
    m.multiplyAdd(difference32, vector(1 / 6), m.multiplyAdd(v0!, vector(1 / 2), half1)),
    addVectors(addVectors(o0!, o1!), addVectors(o2!, o3!)),
    m.multiplyAdd(sum, vector(1 / 6), addVectors(half1, v4!)),
  ];
};

export const STRIDE_2: WinogradScheme = {
  stride: 2,
  points: 9,
  input,
  inputTransposed,
  output,
  outputTransposed,
  weight,
  weightTransposed,
};
