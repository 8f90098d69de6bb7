/**
 * Trains networks of one's own beside a preset, on the same data and the same seed. A network is data: a list of layers,
 * here written with NetworkBuilder; JSON.parse of a file as in docs/networks.md does as well.
 *
 *     node ownNetwork.js
 */

import { NetworkBuilder, syntheticData, train } from 'lockstep';
import type { OwnNetwork } from 'lockstep';

const CLASSES = 10;

/** Three convolutions with batch normalisation, each of half the side of the one before. */
function plain(width: number): OwnNetwork {
  const builder = new NetworkBuilder();
  let top = 'images';
  [1, 2, 4].forEach((factor, index) => {
    const convolved = builder.convolution(`conv${index}`, top, factor * width, 2);
    top = builder.relu(`relu${index}`, builder.batchNormalisation(`norm${index}`, convolved));
  });
  builder.dense('logits', builder.globalAveragePool('pool', top), CLASSES);
  return {
    name: `plain${width}`,
    inputShape: { height: 32, width: 32, channels: 3 },
    classCount: CLASSES, // their names are those of the data
    layers: builder.layers,
  };
}

const data = syntheticData();

for (const model of ['resnet8', plain(8), plain(16)]) {
  const name = typeof model === 'string' ? model : model.name;
  const { bestValidationAccuracy } = await train({
    recipe: { model, epochs: 1, trainLimit: 256, valSize: 200, seed: 3 },
    data,
    engine: 'simd',
    onEvent: (event) => {
      if (event.event === 'run-started') console.log(`${event.model}: ${event.parameterCount} parameters`);
    },
  });
  console.log(`${String(name)}: accuracy ${String(bestValidationAccuracy)}`);
}
