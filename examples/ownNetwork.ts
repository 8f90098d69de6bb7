/**
 * Chooses a network by its size, and compares two of them on the same data and the same seed.
 *
 *     node ownNetwork.js
 */

import { resnet, syntheticData, train } from 'lockstep';

const data = syntheticData();

for (const depth of [8, 14]) {
  const model = resnet({ depth }); // 6n + 2 layers; { depth: 20, width: 4 } has four times the channels
  const { bestValidationAccuracy, imagesPerSecond } = await train({
    recipe: { model, epochs: 1, trainLimit: 256, valSize: 200, dropout: 0.1, seed: 3 },
    data,
    engine: 'simd',
    onEvent: (event) => {
      if (event.event === 'run-started') console.log(`${event.model}: ${event.parameterCount} parameters`);
    },
  });
  console.log(`${model}: accuracy ${String(bestValidationAccuracy)}, ${imagesPerSecond.toFixed(0)} images/s`);
}
