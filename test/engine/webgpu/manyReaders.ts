/** Networks whose kernels could read more buffers than a device allows: values with many readers, chains of dropout. */

import type { Model } from '../../../src/model/index.js';
import { IMAGES } from '../../../src/model/index.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';

const SHAPE = { height: 4, width: 5, channels: 3 };
const CHANNELS = 6;

function network(build: (builder: TinyModelBuilder) => void): Model {
  const builder = new TinyModelBuilder(SHAPE);
  builder.convolution(CHANNELS);
  build(builder);
  builder.globalAveragePool();
  builder.dense();
  return builder.build();
}

/** `count` layers that read one value, summed. */
function branches(
  count: number,
  top: 'relu' | 'gelu',
  branch: (builder: TinyModelBuilder, value: number) => number,
): Model {
  return network((builder) => {
    builder.batchNormalisation();
    const value = top === 'relu' ? builder.relu() : builder.activation(top);
    let sum = branch(builder, value);
    for (let index = 1; index < count; index++) sum = builder.add(sum, branch(builder, value));
  });
}

const convolution = (builder: TinyModelBuilder, value: number): number =>
  builder.convolution(CHANNELS, 1, value);

/** One value that is added at the end of each of `count` blocks. */
const skips = (count: number): Model =>
  network((builder) => {
    const first = builder.relu();
    for (let block = 0; block < count; block++) {
      builder.convolution(CHANNELS);
      builder.relu(builder.add(builder.batchNormalisation(), first));
    }
  });

function dropouts(builder: TinyModelBuilder, count: number, input?: number): number {
  let last = builder.dropout(0.1, input);
  for (let index = 1; index < count; index++) last = builder.dropout(0.1);
  return last;
}

export const MANY_READERS: Readonly<Record<string, Model>> = {
  ...Object.fromEntries(
    [4, 8, 13].flatMap((count): [string, Model][] => [
      [`one value read by ${count} convolutions`, branches(count, 'relu', convolution)],
      [`one smooth value read by ${count} convolutions`, branches(count, 'gelu', convolution)],
      [`one value added in ${count + 1} blocks`, skips(count + 1)],
    ]),
  ),
  // Each beside the value itself: normalisation alone would make the gradient of the value's scale zero.
  'one value read by eight normalisations': branches(8, 'relu', (builder, value) =>
    builder.add(value, builder.relu(builder.batchNormalisation(value))),
  ),
  'one value read by nine pools': branches(9, 'gelu', (builder, value) =>
    builder.pool('max-pool', 2, 1, value),
  ),
  'dropout of the skip, and before the normalisation, of blocks': network((builder) => {
    builder.batchNormalisation();
    let top = builder.relu();
    for (let block = 0; block < 3; block++) {
      builder.convolution(CHANNELS);
      builder.dropout(0.2);
      const branch = builder.batchNormalisation();
      top = builder.relu(builder.add(branch, builder.dropout(0.1, top)));
    }
  }),
  'ten dropouts of one value': network((builder) => {
    const value = builder.relu();
    const branch = builder.convolution(CHANNELS, 1, dropouts(builder, 10));
    builder.add(branch, builder.dropout(0.2, value));
  }),
  'dropouts of the images, before a pool, and between dense layers': network((builder) => {
    const images = builder.convolution(CHANNELS, 1, dropouts(builder, 9, IMAGES));
    builder.activation('silu', builder.add(dropouts(builder, 9, images), dropouts(builder, 9, images)));
    dropouts(builder, 9);
    builder.pool('max-pool', 2);
    builder.globalAveragePool();
    dropouts(builder, 9);
    builder.dense(5);
    dropouts(builder, 9);
  }),
};
