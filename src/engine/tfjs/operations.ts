/** The operations by tfjs's own functions: correct on every backend that has their kernels. */

import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import type { Targets } from '../engine.js';
import { shareOf, softmaxCrossEntropy, targetOf } from '../softmaxCrossEntropy.js';
import type { ConvolutionGeometry, Operations, Tensor2D, Tensor4D, TensorFlow } from './backend.js';
import { composedNormaliser } from './batchNormalisation.js';

export interface ConvolutionGradientKernels {
  byInput(outputGradient: Tensor4D, filter: Tensor4D, geometry: ConvolutionGeometry): Tensor4D;
  byFilter(input: Tensor4D, outputGradient: Tensor4D, geometry: ConvolutionGeometry): Tensor4D;
}

/** tfjs-core calls these kernels only from its tape, so they are called here by name. */
export function convolutionGradientKernels(tf: TensorFlow): ConvolutionGradientKernels {
  const attributes = ({ stride, padding }: ConvolutionGeometry): NamedAttrMap => ({
    strides: [stride, stride],
    pad: padding,
    dataFormat: 'NHWC',
  });
  return {
    byInput: (outputGradient, filter, geometry) =>
      tf
        .engine()
        .runKernel(
          'Conv2DBackpropInput',
          { dy: outputGradient, filter },
          { ...attributes(geometry), inputShape: [...geometry.inputShape] },
        ) as Tensor4D,
    byFilter: (input, outputGradient, geometry) =>
      tf
        .engine()
        .runKernel(
          'Conv2DBackpropFilter',
          { x: input, dy: outputGradient },
          { ...attributes(geometry), filterShape: [...geometry.filterShape] },
        ) as Tensor4D,
  };
}

/** @param logitGradient `exactLogitGradient` or `deviceLogitGradient` */
export function plainOperations(tf: TensorFlow, logitGradient: Operations['logitGradient']): Operations {
  const kernels = convolutionGradientKernels(tf);
  return {
    convolution: (input, filter, { stride, padding }) => tf.conv2d(input, filter, stride, padding),
    convolutionInputGradient: (...operands) => kernels.byInput(...operands),
    convolutionFilterGradient: (...operands) => kernels.byFilter(...operands),
    normaliser: composedNormaliser(tf, {
      channelMean: (input) => tf.mean(input, [0, 1, 2]),
      spread: (vector) => vector,
    }),
    rectifierGradient: (outputGradient, output) =>
      tf.tidy((): Tensor4D => tf.mul(outputGradient, tf.step(output))),
    logitGradient,
  };
}

/** Reads the logits back and computes their gradient with exact arithmetic; for backends that use host memory. */
export function exactLogitGradient(tf: TensorFlow): Operations['logitGradient'] {
  return (logits, targets) => {
    const head = softmaxCrossEntropy(logits.dataSync<'float32'>(), targets, logits.shape[1]);
    return tf.tensor2d(head.logitGradient, logits.shape);
  };
}

/** Stays on the device: reading in the middle of a pass would make a GPU wait. */
export function deviceLogitGradient(tf: TensorFlow): Operations['logitGradient'] {
  return (logits, targets) =>
    tf.tidy((): Tensor2D => tf.sub(tf.softmax(logits), targetTensor(tf, targets, logits.shape[1])));
}

/** (B, classes) */
function targetTensor(
  tf: TensorFlow,
  { labels, labelSmoothing = 0, mixture }: Targets,
  classCount: number,
): Tensor2D {
  const values = new Float32Array(labels.length * classCount).fill(targetOf(0, labelSmoothing, classCount));
  labels.forEach((label, sample) => {
    for (const index of mixture ? [label, mixture.labels[sample]!] : [label]) {
      const share = mixture ? shareOf(index, label, sample, mixture) : 1;
      values[sample * classCount + index] = targetOf(share, labelSmoothing, classCount);
    }
  });
  return tf.tensor2d(values, [labels.length, classCount]);
}
