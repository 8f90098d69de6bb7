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
