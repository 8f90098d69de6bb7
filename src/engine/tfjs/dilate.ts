/** Zero-dilation: the transpose of taking every `stride`-th pixel. */

import type { Tensor4D, TensorFlow } from './backend.js';

/**
 * Spreads (B, h, w, C) out to (B, height, width, C): pixel (i, j) moves to (stride i, stride j), zeros between. It is done by
 * two paddings of matrices, which every backend does fast; six-dimensional padding is slow or missing on some.
 */
export function dilate(
  tf: TensorFlow,
  input: Tensor4D,
  stride: number,
  height: number,
  width: number,
): Tensor4D {
  return tf.tidy(() => {
    const [batch, rows, columns, channels] = input.shape;
    const pixels = tf.reshape(input, [batch * rows * columns, channels]);
    const spreadColumns = tf.pad(pixels, [
      [0, 0],
      [0, (stride - 1) * channels],
    ]);
    const rowLength = columns * stride * channels;
    const spreadRows = tf.pad(tf.reshape(spreadColumns, [batch * rows, rowLength]), [
      [0, 0],
      [0, (stride - 1) * rowLength],
    ]);
    const dilated = tf.reshape(spreadRows, [batch, stride * rows, stride * columns, channels]) as Tensor4D;
    if (stride * rows === height && stride * columns === width) return dilated;
    return tf.slice(dilated, [0, 0, 0, 0], [batch, height, width, channels]);
  });
}
