/** A convolution layer by the backend's convolutions, which know one pixel of zeros all around, or none. */

import type { ConvolutionLayer } from '../../model/index.js';
import type { ConvolutionGeometry, Tensor4D, TensorFlow } from './backend.js';

/** Whether the zeros of `same` lie after the last pixel only. */
const hasZerosAfter = ({ kernelSize, padding }: ConvolutionLayer): boolean =>
  kernelSize === 2 && padding !== 'valid';

/** What the backend convolves: the input, with its zeros where the backend cannot put them. */
export function paddedInput(tf: TensorFlow, layer: ConvolutionLayer, input: Tensor4D): Tensor4D {
  if (!hasZerosAfter(layer)) return input;
  return tf.pad(input, [
    [0, 0],
    [0, 1],
    [0, 1],
    [0, 0],
  ]);
}

/** The gradient by the input, from the one by what `paddedInput` returned. */
export function unpaddedGradient(tf: TensorFlow, layer: ConvolutionLayer, gradient: Tensor4D): Tensor4D {
  if (!hasZerosAfter(layer)) return gradient;
  const [batch, , , channels] = gradient.shape;
  return tf.slice(gradient, [0, 0, 0, 0], [batch, layer.inputShape.height, layer.inputShape.width, channels]);
}

export function geometryOf(layer: ConvolutionLayer, padded: Tensor4D, filter: Tensor4D): ConvolutionGeometry {
  return {
    stride: layer.stride,
    padding: layer.kernelSize === 3 && layer.padding !== 'valid' ? 1 : 0,
    inputShape: padded.shape,
    filterShape: filter.shape,
  };
}
