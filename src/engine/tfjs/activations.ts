/** Smooth activations, in operations that every backend has. tfjs's erf is within 2e-7. */

import type { CeluLayer, GeluLayer, SiluLayer } from '../../model/index.js';
import type { Tensor4D, TensorFlow } from './backend.js';

export type SmoothLayer = GeluLayer | SiluLayer | CeluLayer;

const INVERSE_ROOT_OF_TWO = Math.SQRT1_2;
const DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

export function activate(tf: TensorFlow, layer: SmoothLayer, x: Tensor4D): Tensor4D {
  switch (layer.kind) {
    case 'gelu':
      return tf.mul(x, normalDistribution(tf, x));
    case 'silu':
      return tf.mul(x, tf.sigmoid(x));
    case 'celu': {
      const below = tf.mul(tf.sub(exponentialBelow(tf, x, layer.alpha), 1), layer.alpha);
      return tf.add(tf.relu(x), below);
    }
  }
}

/** The gradient by the input, from the gradient by the output. */
export function activationGradient(
  tf: TensorFlow,
  layer: SmoothLayer,
  x: Tensor4D,
  incoming: Tensor4D,
): Tensor4D {
  return tf.mul(incoming, derivative(tf, layer, x));
}

function derivative(tf: TensorFlow, layer: SmoothLayer, x: Tensor4D): Tensor4D {
  switch (layer.kind) {
    case 'gelu': {
      const density = tf.mul(tf.exp(tf.mul(tf.mul(x, x), -0.5)), DENSITY_AT_ZERO);
      return tf.add(normalDistribution(tf, x), tf.mul(x, density));
    }
    case 'silu': {
      const sigmoid = tf.sigmoid(x);
      return tf.mul(sigmoid, tf.add(tf.mul(x, tf.sub(1, sigmoid)), 1));
    }
    case 'celu':
      return exponentialBelow(tf, x, layer.alpha);
  }
}

function normalDistribution(tf: TensorFlow, x: Tensor4D): Tensor4D {
  return tf.mul(tf.add(tf.erf(tf.mul(x, INVERSE_ROOT_OF_TWO)), 1), 0.5);
}

/** exp(x / alpha) where x is negative, else 1. */
function exponentialBelow(tf: TensorFlow, x: Tensor4D, alpha: number): Tensor4D {
  return tf.exp(tf.mul(tf.minimum(x, 0), 1 / alpha));
}
