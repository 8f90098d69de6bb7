/** Option-A shortcuts, arXiv:1512.03385 section 4.2: every `stride`-th pixel, then zeros for the new channels. */

import type { ShortcutLayer } from '../../model/index.js';
import type { Tensor4D, TensorFlow } from './backend.js';
import { dilateByTwo } from './dilate.js';

export function shortcutForward(tf: TensorFlow, layer: ShortcutLayer, input: Tensor4D): Tensor4D {
  const { stride, inputShape, outputShape } = layer;
  const pixels = stride === 1 ? input : tf.stridedSlice(input, [0, 0, 0, 0], input.shape, [1, 2, 2, 1]);
  const newChannels = outputShape.channels - inputShape.channels;
  if (newChannels === 0) return tf.clone(pixels) as Tensor4D;
  return tf.pad(pixels, [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, newChannels],
  ]) as Tensor4D;
}

export function shortcutBackward(tf: TensorFlow, layer: ShortcutLayer, outputGradient: Tensor4D): Tensor4D {
  const { stride, inputShape } = layer;
  const [batch, rows, columns] = outputGradient.shape;
  const kept = tf.slice(outputGradient, [0, 0, 0, 0], [batch, rows, columns, inputShape.channels]);
  return stride === 1 ? kept : dilateByTwo(tf, kept, inputShape.height, inputShape.width);
}
