/** Zero-dilation: the transpose of taking every `stride`-th pixel. */

import type { Tensor4D, TensorFlow } from './backend.js';

/**
 * Spreads (B, h, w, C) out to (B, height, width, C): pixel (i, j) moves to (2i, 2j), zeros between. It is done by
 * two paddings of matrices, which every backend does fast; six-dimensional padding is slow or missing on some.
 */
export function dilateByTwo(tf: TensorFlow, input: Tensor4D, height: number, width: number): Tensor4D {
  return tf.tidy(() => {
    const [batch, rows, columns, channels] = input.shape;
    const pixels = tf.reshape(input, [batch * rows * columns, channels]);
    const spreadColumns = tf.pad(pixels, [
      [0, 0],
      [0, channels],
    ]);
    const rowLength = columns * 2 * channels;
    const spreadRows = tf.pad(tf.reshape(spreadColumns, [batch * rows, rowLength]), [
      [0, 0],
      [0, rowLength],
    ]);
    const dilated = tf.reshape(spreadRows, [batch, 2 * rows, 2 * columns, channels]) as Tensor4D;
    if (2 * rows === height && 2 * columns === width) return dilated;
    return tf.slice(dilated, [0, 0, 0, 0], [batch, height, width, channels]);
  });
}
