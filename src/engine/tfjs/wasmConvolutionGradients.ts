/**
 * The gradients of Conv2D for tfjs's wasm backend, as convolutions, so that XNNPACK computes them. The backend (4.22)
 * has no kernel Conv2DBackpropFilter, and its Conv2DBackpropInput is a plain loop at 1 to 2 GFLOP/s.
 */

import type { KernelConfig, KernelFunc, NamedAttrMap, NamedTensorInfoMap } from '@tensorflow/tfjs-core';
import { invariant } from '../../foundation/errors.js';
import type { Tensor, Tensor4D, TensorFlow } from './backend.js';
import { dilateByTwo } from './dilate.js';

const BACKEND = 'wasm';

type Shape4D = [number, number, number, number];
type Padding = [[number, number], [number, number], [number, number], [number, number]];

/** Registers both kernels in this thread's tfjs; once is enough. */
export function registerWasmConvolutionGradients(tf: TensorFlow): void {
  replaceKernel(tf, 'Conv2DBackpropInput', (inputs, attributes) => {
    return inputGradient(tf, inputs.dy as Tensor4D, inputs.filter as Tensor4D, attributes);
  });
  replaceKernel(tf, 'Conv2DBackpropFilter', (inputs, attributes) => {
    return filterGradient(tf, inputs.x as Tensor4D, inputs.dy as Tensor4D, attributes);
  });
}

function replaceKernel(
  tf: TensorFlow,
  kernelName: string,
  compute: (inputs: NamedTensorInfoMap, attributes: NamedAttrMap) => Tensor,
): void {
  if (tf.getKernel(kernelName, BACKEND) !== undefined) tf.unregisterKernel(kernelName, BACKEND);
  const kernelFunc: KernelFunc = ({ inputs, attrs }) => {
    invariant(attrs !== undefined, `${kernelName} was called without attributes`);
    return compute(inputs, attrs);
  };
  tf.registerKernel({ kernelName, backendName: BACKEND, kernelFunc } satisfies KernelConfig);
}

/** Stride and padding of a call; only what Lockstep's layers need is supported. */
function geometry(attributes: NamedAttrMap): { stride: 1 | 2 } {
  const [stride, horizontal] = attributes.strides as [number, number];
  invariant(
    (stride === 1 || stride === 2) && stride === horizontal && attributes.pad === 1,
    `convolution gradients take strides 1 and 2 with padding 1, not ${stride} and ${String(attributes.pad)}`,
  );
  return { stride };
}

/** dx = dy, zero-dilated by the stride, convolved with the filter, flipped in both directions and transposed. */
function inputGradient(
  tf: TensorFlow,
  outputGradient: Tensor4D,
  filter: Tensor4D,
  attributes: NamedAttrMap,
): Tensor4D {
  const { stride } = geometry(attributes);
  const [, height, width] = attributes.inputShape as Shape4D;
  return tf.tidy(() => {
    const dilated = stride === 1 ? outputGradient : dilateByTwo(tf, outputGradient, height, width);
    const flipped = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    return tf.conv2d(dilated, flipped, 1, 1);
  });
}

/**
 * dW[i, j, c, k] = sum over n, p, q of x[n, ps + i - 1, qs + j - 1, c] dy[n, p, q, k]: a convolution of C "images" with
 * N channels by a filter as large as dy, dilated by the stride, whose output is 3x3.
 */
function filterGradient(
  tf: TensorFlow,
  input: Tensor4D,
  outputGradient: Tensor4D,
  attributes: NamedAttrMap,
): Tensor4D {
  const { stride } = geometry(attributes);
  const [batch, height, width, channels] = input.shape;
  const [, rows, columns, filters] = outputGradient.shape;
  return tf.tidy(() => {
    const images = tf.reshape(tf.transpose(tf.reshape(input, [batch, height * width * channels]), [1, 0]), [
      height * width,
      channels,
      batch,
    ]);
    const channelsFirst: Tensor4D = tf.reshape(tf.transpose(images, [1, 0, 2]), [
      channels,
      height,
      width,
      batch,
    ]);
    const filter: Tensor4D = tf.reshape(
      tf.transpose(tf.reshape(outputGradient, [batch, rows * columns, filters]), [1, 0, 2]),
      [rows, columns, batch, filters],
    );
    const padding: Padding = [
      [0, 0],
      endPadding(height, rows, stride),
      endPadding(width, columns, stride),
      [0, 0],
    ];
    const gradient = tf.conv2d(channelsFirst, filter, 1, padding, 'NHWC', stride);
    return tf.transpose(gradient, [1, 2, 0, 3]);
  });
}

/** Padding before and after along one side, such that the output has three elements and the first reads from -1 on. */
function endPadding(inputSize: number, outputSize: number, stride: number): [number, number] {
  const filterSize = (outputSize - 1) * stride + 1;
  return [1, filterSize + 2 - inputSize - 1];
}
