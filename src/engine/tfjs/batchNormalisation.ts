/**
 * Batch normalisation, forward and backward, made of operations that every backend has.
 * Legend: x input, y output, c = x - mean(x) the centred input, d = 1 / sqrt(variance + epsilon), all by channel.
 */

import type {
  AffineParameters,
  NormalisationGradients,
  NormalisationRecord,
  Normaliser,
  Tensor,
  Tensor1D,
  Tensor4D,
  TensorFlow,
} from './backend.js';

/** Two of its parts, for which the fastest way differs between backends. */
export interface NormaliserParts {
  /** Mean over B, H and W: (C). */
  channelMean(input: Tensor4D): Tensor1D;
  /** A channel vector (C), in the shape that is fastest to broadcast over (B, H, width, C). */
  spread(vector: Tensor1D, width: number): Tensor;
}

/** Call its methods inside a `tf.tidy`, which frees their intermediate results. */
export function composedNormaliser(tf: TensorFlow, parts: NormaliserParts): Normaliser {
  return new ComposedNormaliser(tf, parts);
}

class ComposedNormaliser implements Normaliser {
  readonly varianceDivisor = 'N';
  readonly backwardReadsInput = false;

  constructor(
    private readonly tf: TensorFlow,
    private readonly parts: NormaliserParts,
  ) {}

  forwardByBatch(
    input: Tensor4D,
    { scale, shift, epsilon }: AffineParameters,
  ): { output: Tensor4D; record: NormalisationRecord } {
    const { tf, parts } = this;
    const width = input.shape[2];
    const mean = parts.channelMean(input);
    const centred: Tensor4D = tf.sub(input, parts.spread(mean, width));
    const variance = parts.channelMean(tf.square(centred));
    const inverseDeviation = this.inverseDeviation(variance, epsilon);
    const gain = parts.spread(tf.mul(scale, inverseDeviation), width);
    const output: Tensor4D = tf.add(tf.mul(centred, gain), parts.spread(shift, width));
    return { output, record: { mean, variance, kept: [centred, inverseDeviation] } };
  }

  /** One multiplication and one addition per activation. */
  forwardByRunning(
    input: Tensor4D,
    { scale, shift, epsilon }: AffineParameters,
    mean: Tensor1D,
    variance: Tensor1D,
  ): Tensor4D {
    const { tf, parts } = this;
    const width = input.shape[2];
    const gain: Tensor1D = tf.mul(scale, this.inverseDeviation(variance, epsilon));
    const offset: Tensor1D = tf.sub(shift, tf.mul(mean, gain));
    return tf.add(tf.mul(input, parts.spread(gain, width)), parts.spread(offset, width));
  }

  /**
   * With g = dL/dy and N = B * H * W: dL/dshift = sum(g); dL/dscale = d sum(g c);
   * dL/dx = scale d (g - mean(g) - c d^2 mean(g c)).
   */
  backward(
    outputGradient: Tensor4D,
    _input: undefined,
    { scale }: AffineParameters,
    record: NormalisationRecord,
  ): NormalisationGradients {
    const { tf, parts } = this;
    const [batch, height, width] = outputGradient.shape;
    const count = tf.scalar(batch * height * width);
    const [centred, inverseDeviation] = record.kept as readonly [Tensor4D, Tensor1D];
    const gradientMean = parts.channelMean(outputGradient);
    const productMean = parts.channelMean(tf.mul(outputGradient, centred));
    const gain: Tensor1D = tf.mul(scale, inverseDeviation);
    const pull: Tensor1D = tf.mul(tf.mul(gain, productMean), tf.square(inverseDeviation));
    const deviation = tf.sub(outputGradient, parts.spread(gradientMean, width));
    const scaled = tf.mul(deviation, parts.spread(gain, width));
    return {
      input: tf.sub(scaled, tf.mul(centred, parts.spread(pull, width))),
      scale: tf.mul(tf.mul(productMean, inverseDeviation), count),
      shift: tf.mul(gradientMean, count),
    };
  }

  private inverseDeviation(variance: Tensor1D, epsilon: number): Tensor1D {
    return this.tf.rsqrt(this.tf.add(variance, this.tf.scalar(epsilon)));
  }
}
