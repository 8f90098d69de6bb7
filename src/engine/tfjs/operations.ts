/** The operations in tfjs's own terms, right on every backend that has its kernels. */

import { softmaxCrossEntropy } from '../softmaxCrossEntropy.js';
import type { ConvolutionGeometry, Operations, Tensor2D, Tensor4D, TensorFlow } from './backend.js';

const PADDING = 1;

/** Attributes that the gradient kernels of Conv2D share. */
function convolutionAttributes({ stride }: ConvolutionGeometry): {
  strides: [number, number];
  pad: number;
  dataFormat: string;
} {
  return { strides: [stride, stride], pad: PADDING, dataFormat: 'NHWC' };
}

/** @param logitGradient `exactLogitGradient` or `deviceLogitGradient` */
export function plainOperations(tf: TensorFlow, logitGradient: Operations['logitGradient']): Operations {
  return {
    convolution: (input, filter, stride) => tf.conv2d(input, filter, stride, PADDING),
    convolutionInputGradient: (outputGradient, filter, geometry) =>
      tf
        .engine()
        .runKernel(
          'Conv2DBackpropInput',
          { dy: outputGradient, filter },
          { ...convolutionAttributes(geometry), inputShape: [...geometry.inputShape] },
        ) as Tensor4D,
    convolutionFilterGradient: (input, outputGradient, geometry) =>
      tf
        .engine()
        .runKernel(
          'Conv2DBackpropFilter',
          { x: input, dy: outputGradient },
          { ...convolutionAttributes(geometry), filterShape: [...geometry.filterShape] },
        ) as Tensor4D,
    channelMean: (input) => tf.mean(input, [0, 1, 2]),
    spread: (vector) => vector,
    logitGradient,
  };
}

/** Reads the logits back and computes their gradient in exact code; for backends whose memory is the host's. */
export function exactLogitGradient(tf: TensorFlow): Operations['logitGradient'] {
  return (logits, labels) => {
    const head = softmaxCrossEntropy(logits.dataSync<'float32'>(), labels, logits.shape[1]);
    return tf.tensor2d(head.logitGradient, logits.shape);
  };
}

/** Stays on the device: a read in mid-pass would make a GPU wait. */
export function deviceLogitGradient(tf: TensorFlow): Operations['logitGradient'] {
  return (logits, labels) =>
    tf.tidy((): Tensor2D => tf.sub(tf.softmax(logits), oneHot(tf, labels, logits.shape[1])));
}

function oneHot(tf: TensorFlow, labels: Uint8Array, classCount: number): Tensor2D {
  const values = new Float32Array(labels.length * classCount);
  labels.forEach((label, sample) => (values[sample * classCount + label] = 1));
  return tf.tensor2d(values, [labels.length, classCount]);
}
