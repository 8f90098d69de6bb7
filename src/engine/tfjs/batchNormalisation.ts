/**
 * Batch normalisation, arXiv:1502.03167, forward and backward, composed of operations that every backend has.
 * Legend: x input, y output, c = x - mean(x) the centred input, d = 1 / sqrt(variance + epsilon), all by channel.
 */

import type { BatchNormalisationLayer } from '../../model/index.js';
import type { Operations, Tensor1D, Tensor4D, TensorFlow } from './backend.js';

/** What training keeps of one layer for the way back and for the result. */
export type NormalisationRecord = {
  readonly centred: Tensor4D;
  readonly inverseDeviation: Tensor1D;
  readonly mean: Tensor1D;
  /** Biased: divided by B * H * W. */
  readonly variance: Tensor1D;
};

export type NormalisationGradients = {
  readonly input: Tensor4D;
  readonly scale: Tensor1D;
  readonly shift: Tensor1D;
};

export class BatchNormalisation {
  constructor(
    private readonly tf: TensorFlow,
    private readonly operations: Operations,
    private readonly layer: BatchNormalisationLayer,
    private readonly scale: Tensor1D,
  ) {}

  /** By the micro-batch's own statistics. */
  forwardByBatch(input: Tensor4D, shift: Tensor1D): { output: Tensor4D; record: NormalisationRecord } {
    const { tf, operations } = this;
    const mean = operations.channelMean(input);
    const centred: Tensor4D = tf.sub(input, this.spread(mean));
    const variance = operations.channelMean(tf.square(centred));
    const inverseDeviation: Tensor1D = this.inverseDeviation(variance);
    const gain = this.spread(tf.mul(this.scale, inverseDeviation));
    const output: Tensor4D = tf.add(tf.mul(centred, gain), this.spread(shift));
    return { output, record: { centred, inverseDeviation, mean, variance } };
  }

  /** By given statistics: one multiplication and one addition an activation. */
  forwardByRunning(input: Tensor4D, shift: Tensor1D, mean: Tensor1D, variance: Tensor1D): Tensor4D {
    const { tf } = this;
    const gain: Tensor1D = tf.mul(this.scale, this.inverseDeviation(variance));
    const offset: Tensor1D = tf.sub(shift, tf.mul(mean, gain));
    return tf.add(tf.mul(input, this.spread(gain)), this.spread(offset));
  }

  /**
   * With g = dL/dy and N = B * H * W: dL/dshift = sum(g); dL/dscale = d sum(g c);
   * dL/dx = scale d (g - mean(g) - c d^2 mean(g c)).
   */
  backward(outputGradient: Tensor4D, record: NormalisationRecord): NormalisationGradients {
    const { tf, operations } = this;
    const [batch, height, width] = outputGradient.shape;
    const count = tf.scalar(batch * height * width);
    const { centred, inverseDeviation } = record;
    const gradientMean = operations.channelMean(outputGradient);
    const productMean = operations.channelMean(tf.mul(outputGradient, centred));
    const gain: Tensor1D = tf.mul(this.scale, inverseDeviation);
    const pull: Tensor1D = tf.mul(tf.mul(gain, productMean), tf.square(inverseDeviation));
    const scaled = tf.mul(tf.sub(outputGradient, this.spread(gradientMean)), this.spread(gain));
    return {
      input: tf.sub(scaled, tf.mul(centred, this.spread(pull))),
      scale: tf.mul(tf.mul(productMean, inverseDeviation), count),
      shift: tf.mul(gradientMean, count),
    };
  }

  private inverseDeviation(variance: Tensor1D): Tensor1D {
    return this.tf.rsqrt(this.tf.add(variance, this.tf.scalar(this.layer.epsilon)));
  }

  private spread(vector: Tensor1D): ReturnType<Operations['spread']> {
    return this.operations.spread(vector, this.layer.inputShape.width);
  }
}
