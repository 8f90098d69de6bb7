/**
 * Pooling by windows. Its gradients are composed of slices and comparisons: tfjs's own are missing on wasm, and do not
 * say which of equal pixels gets the gradient of a maximum.
 */

import type { PoolLayer } from '../../model/index.js';
import type { Tensor4D, TensorFlow } from './backend.js';
import { dilate } from './dilate.js';

export function poolForward(tf: TensorFlow, { kind, size, stride }: PoolLayer, input: Tensor4D): Tensor4D {
  return kind === 'max-pool'
    ? tf.maxPool(input, size, stride, 'valid')
    : tf.avgPool(input, size, stride, 'valid');
}

/** @param output what `poolForward` returned */
export function poolBackward(
  tf: TensorFlow,
  layer: PoolLayer,
  { input, output, incoming }: Readonly<Record<'input' | 'output' | 'incoming', Tensor4D>>,
): Tensor4D {
  const { kind, size } = layer;
  let sum: Tensor4D | undefined;
  let open: Tensor4D = tf.onesLike(output); // windows whose maximum has not been met yet
  for (let index = 0; index < size * size; index++) {
    const place = { row: Math.floor(index / size), column: index % size };
    let share: Tensor4D;
    if (kind === 'max-pool') {
      const matches = tf.cast(
        tf.equal(pixelsOfWindows(tf, layer, input, place), output),
        'float32',
      ) as Tensor4D;
      const taken: Tensor4D = tf.mul(matches, open);
      open = tf.sub(open, taken);
      share = tf.mul(incoming, taken);
    } else {
      share = tf.mul(incoming, 1 / (size * size));
    }
    const spread = spreadOut(tf, layer, share, place);
    sum = sum === undefined ? spread : tf.add(sum, spread);
  }
  return sum!;
}

interface Place {
  readonly row: number;
  readonly column: number;
}

/** The pixel at one place of every window, (B, rows of windows, columns of windows, C). */
function pixelsOfWindows(
  tf: TensorFlow,
  { stride, outputShape }: PoolLayer,
  input: Tensor4D,
  { row, column }: Place,
): Tensor4D {
  const [batch, , , channels] = input.shape;
  const end = (first: number, count: number): number => first + (count - 1) * stride + 1;
  return tf.stridedSlice(
    input,
    [0, row, column, 0],
    [batch, end(row, outputShape.height), end(column, outputShape.width), channels],
    [1, stride, stride, 1],
  ) as Tensor4D;
}

/** The transpose of `pixelsOfWindows`: zeros elsewhere. */
function spreadOut(
  tf: TensorFlow,
  { stride, inputShape, outputShape }: PoolLayer,
  share: Tensor4D,
  { row, column }: Place,
): Tensor4D {
  const height = (outputShape.height - 1) * stride + 1;
  const width = (outputShape.width - 1) * stride + 1;
  const spread = stride === 1 ? share : dilate(tf, share, stride, height, width);
  return tf.pad(spread, [
    [0, 0],
    [row, inputShape.height - row - height],
    [column, inputShape.width - column - width],
    [0, 0],
  ]);
}
