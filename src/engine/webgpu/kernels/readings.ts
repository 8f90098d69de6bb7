/**
 * Values that are computed when they are read, and never stored. All take and return padded quads of channels; padding
 * lanes are zero, and every reading keeps them zero.
 */

import type { ActivationShape } from '../../../model/index.js';
import type { Range, Reading } from './kernelSource.js';
import { paddingLanes, quadsOf } from './shapes.js';

/** A value in device memory, see shapes.ts. */
export function stored(range: Range, shape: ActivationShape): Reading {
  const { height, width } = shape;
  return (kernel) =>
    `return ${kernel.bind(range, 'vec4f')}[((image * ${height}u + row) * ${width}u + column) * ${quadsOf(shape)}u + quad];`;
}

/**
 * Values in the host's form, (B, H, W, C) without padding: images, dropout masks. The last quad of the last pixel is read
 * as a whole, so `paddingLanes` elements of any value must follow the range.
 */
export function packed(range: Range, shape: ActivationShape): Reading {
  const { height, width, channels } = shape;
  const whole = { ...range, length: range.length + paddingLanes(shape) };
  return (kernel) => {
    const name = kernel.bind(whole, 'f32');
    const lanes = [0, 1, 2, 3].map((lane) => {
      const element = `${name}[pixel * ${channels}u + quad * 4u + ${lane}u]`;
      if (channels % 4 === 0) return element;
      return `select(0.0, ${element}, quad * 4u + ${lane}u < ${channels}u)`;
    });
    return `let pixel = (image * ${height}u + row) * ${width}u + column;\nreturn vec4f(${lanes.join(', ')});`;
  };
}

/** Rows of a normalisation's coefficients, each of `quads` vectors. */
export const COEFFICIENT_ROWS = ['mean', 'gain', 'shift', 'inverse', 'slope', 'bias'] as const;
export type CoefficientRow = (typeof COEFFICIENT_ROWS)[number];

/** WGSL of one row of coefficients at `quad`. */
export const rowAt = (name: string, row: CoefficientRow, quads: number): string =>
  `${name}[${COEFFICIENT_ROWS.indexOf(row) * quads}u + quad]`;

export interface Normalised {
  readonly source: Reading;
  readonly shape: ActivationShape;
  /** (6, quads) vectors, see `COEFFICIENT_ROWS`; slope and bias are only set in the backward pass. */
  readonly coefficients: Range;
}

/** Batch normalisation, before any ReLU. */
export function normalised({ source, shape, coefficients }: Normalised): Reading {
  return (kernel) => {
    const name = kernel.bind(coefficients, 'vec4f');
    const row = (which: CoefficientRow): string => rowAt(name, which, quadsOf(shape));
    return `return (${kernel.reader(source)}(image, row, column, quad) - ${row('mean')}) * ${row('gain')} + ${row('shift')};`;
  };
}

/** The input of batch normalisation, minus its mean. */
export function deviation({ source, shape, coefficients }: Normalised): Reading {
  return (kernel) => {
    const name = kernel.bind(coefficients, 'vec4f');
    return `return ${kernel.reader(source)}(image, row, column, quad) - ${rowAt(name, 'mean', quadsOf(shape))};`;
  };
}

/**
 * Gradient by the input of batch normalisation, computed from the gradient by its output:
 * gain g + slope (x - mean) + bias.
 */
export function normalisationGradient(by: Normalised, gradient: Reading): Reading {
  const centred = deviation(by);
  return (kernel) => {
    const quads = quadsOf(by.shape);
    const name = kernel.bind(by.coefficients, 'vec4f');
    const row = (which: CoefficientRow): string => rowAt(name, which, quads);
    const at = '(image, row, column, quad)';
    return `return ${row('gain')} * ${kernel.reader(gradient)}${at} + ${row('slope')} * ${kernel.reader(centred)}${at} + ${row('bias')};`;
  };
}

export function rectified(source: Reading): Reading {
  return (kernel) => `return max(${kernel.reader(source)}(image, row, column, quad), vec4f());`;
}

export function product(left: Reading, right: Reading): Reading {
  return combined([left, right], ' * ');
}

export function sum(terms: readonly Reading[]): Reading {
  return terms.length === 1 ? terms[0]! : combined(terms, ' + ');
}

function combined(parts: readonly Reading[], operator: string): Reading {
  return (kernel) =>
    `return ${parts.map((part) => `${kernel.reader(part)}(image, row, column, quad)`).join(operator)};`;
}

/** A (B, 1, 1, C) value at every pixel, times a factor. */
export function spread(source: Reading, factor: number): Reading {
  return (kernel) => `return ${kernel.reader(source)}(image, 0u, 0u, quad) * ${floatText(factor)};`;
}

export function scaled(source: Reading, factor: number): Reading {
  return (kernel) => `return ${kernel.reader(source)}(image, row, column, quad) * ${floatText(factor)};`;
}

/** One vector of channels at every pixel: a bias. */
export function everywhere(range: Range): Reading {
  return (kernel) => `return ${kernel.bind(range, 'vec4f')}[quad];`;
}

interface ShortcutShapes {
  readonly inputShape: ActivationShape;
  readonly stride: 1 | 2;
}

/** Option A's shortcut: every `stride`-th pixel; channels beyond the source's are zero. */
export function shortcut(source: Reading, { inputShape, stride }: ShortcutShapes): Reading {
  return (kernel) =>
    `if (quad >= ${quadsOf(inputShape)}u) { return vec4f(); }
return ${kernel.reader(source)}(image, row * ${stride}u, column * ${stride}u, quad);`;
}

export function shortcutGradient(gradient: Reading, { inputShape, stride }: ShortcutShapes): Reading {
  const last = inputShape.channels % 4;
  return (kernel) => {
    const lines: string[] = [];
    if (stride === 2) lines.push('if (((row | column) & 1u) != 0u) { return vec4f(); }');
    lines.push(`let value = ${kernel.reader(gradient)}(image, row / ${stride}u, column / ${stride}u, quad);`);
    // The last quad may have lanes that are new channels of the output but padding of the input.
    const lanes = [0, 1, 2, 3].map((lane) => (lane < last ? '1.0' : '0.0')).join(', ');
    if (last !== 0) {
      lines.push(`if (quad == ${quadsOf(inputShape) - 1}u) { return value * vec4f(${lanes}); }`);
    }
    return [...lines, 'return value;'].join('\n');
  };
}

/** A float32 constant, written exactly. */
export function floatText(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? text : `${text}.0`;
}
