/** Where windows lie on a map: shapes and zeros of convolutions and pools. */

import type { ActivationShape, ConvolutionLayer } from './layers.js';

type Window = Pick<ConvolutionLayer, 'kernelSize' | 'stride' | 'padding'>;

/** Zeros before the first row and column: output p reads inputs from p stride - zeros on. */
export const zerosBefore = ({
  kernelSize,
  padding = 'same',
}: Pick<Window, 'kernelSize' | 'padding'>): number =>
  padding === 'same' ? Math.floor((kernelSize - 1) / 2) : 0;

export function convolvedShape(input: ActivationShape, channels: number, window: Window): ActivationShape {
  const { kernelSize, stride, padding = 'same' } = window;
  const side = (length: number): number =>
    padding === 'same' ? Math.ceil(length / stride) : windowCount(length, kernelSize, stride);
  return { height: side(input.height), width: side(input.width), channels };
}

export const pooledShape = (
  { height, width, channels }: ActivationShape,
  { size, stride }: { readonly size: number; readonly stride: number },
): ActivationShape => ({
  height: windowCount(height, size, stride),
  width: windowCount(width, size, stride),
  channels,
});

/** Whole windows along a side; 0 where none fits. */
const windowCount = (length: number, size: number, stride: number): number =>
  Math.max(0, Math.floor((length - size) / stride) + 1);

/** `16x16x3`: height, width, channels. */
export function shapeText({ height, width, channels }: ActivationShape): string {
  return `${height}x${width}x${channels}`;
}

export function equalShapes(a: ActivationShape, b: ActivationShape): boolean {
  return a.height === b.height && a.width === b.width && a.channels === b.channels;
}

/** Output shape of a 3x3 window with padding 1, and of the strided shortcut beside it. */
export function strided(input: ActivationShape, channels: number, stride: 1 | 2): ActivationShape {
  return { height: Math.ceil(input.height / stride), width: Math.ceil(input.width / stride), channels };
}

export function vector(channels: number): ActivationShape {
  return { height: 1, width: 1, channels };
}
