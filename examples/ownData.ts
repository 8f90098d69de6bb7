/**
 * Trains on images that the program makes itself. Here the class of an image is the place of a bright patch in it.
 *
 *     node ownData.js
 */

import { evaluate, train } from 'lockstep';
import type { LabelledImages, OwnData } from 'lockstep';

const SIDE = 32;
const CHANNELS = 3;
const CLASSES = 10;
const IMAGE_BYTES = SIDE * SIDE * CHANNELS;

/** Any function of the index will do, as long as it gives the same image each time. */
function makeImages(count: number, seed: number): LabelledImages {
  const pixels = new Uint8Array(count * IMAGE_BYTES);
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const label = index % CLASSES;
    labels[index] = label;
    const image = pixels.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES);
    for (let at = 0; at < IMAGE_BYTES; at++) image[at] = ((index + seed) * 31 + at * 17) % 64; // background
    const top = 3 * label;
    image.fill(255, top * SIDE * CHANNELS, (top + 4) * SIDE * CHANNELS); // four bright rows
  }
  return { pixels, labels };
}

const data: OwnData = {
  name: 'stripes', // stands in the recipe: a resumed run wants data of this name, with the same images
  classNames: Array.from({ length: CLASSES }, (_, label) => `rows from ${3 * label}`),
  training: makeImages(600, 1),
  test: makeImages(100, 2),
};

const { runDir, bestValidationAccuracy } = await train({
  recipe: { model: 'resnet8', epochs: 2, valSize: 100, batchSize: 64, seed: 1, augment: false },
  data,
  engine: 'simd',
});
const { testAccuracy, testSamples } = await evaluate({ checkpoint: runDir, data, engine: 'simd' });
console.log(`validation accuracy ${String(bestValidationAccuracy)}`);
console.log(`test accuracy ${testAccuracy} on ${testSamples} images`);
