import { expect, it } from 'vitest';
import {
  measureNormalisation,
  prepareImages,
  syntheticTrainingSet,
  whiteningFilters,
} from '../../src/data/index.js';

const set = syntheticTrainingSet(3);
const indices = Uint32Array.from({ length: 64 }, (_, index) => 5 * index);
const normalisation = measureNormalisation(set, indices);
const { height, width, channels } = set.imageShape;

/** All patches, (N, K K C), read from prepared images and not from bytes. */
function patchesOf(kernelSize: number): number[][] {
  const pixels = new Uint8Array(indices.length * height * width * channels);
  indices.forEach((index, place) => set.read(index, pixels, place * height * width * channels));
  const images = prepareImages({
    pixels,
    imageShape: set.imageShape,
    sampleCount: indices.length,
    normalisation,
    augmentation: undefined,
  });
  const patches: number[][] = [];
  for (let image = 0; image < indices.length; image++) {
    for (let row = 0; row + kernelSize <= height; row++) {
      for (let column = 0; column + kernelSize <= width; column++) {
        const patch: number[] = [];
        for (let y = 0; y < kernelSize; y++)
          for (let x = 0; x < kernelSize; x++)
            for (let channel = 0; channel < channels; channel++)
              patch.push(images[((image * height + row + y) * width + column + x) * channels + channel]!);
        patches.push(patch);
      }
    }
  }
  return patches;
}

it.each([1, 2])(
  'the outputs of filters of side %d have no correlation, and a variance of one',
  (kernelSize) => {
    const length = kernelSize * kernelSize * channels;
    const filterCount = 2 * length;
    const epsilon = 1e-9;
    const weight = whiteningFilters({ set, indices, normalisation, kernelSize, filterCount, epsilon });
    const products = Array.from({ length }, () => new Array<number>(length).fill(0));
    const patches = patchesOf(kernelSize);
    for (const patch of patches) {
      const outputs = Array.from({ length }, (_, filter) =>
        patch.reduce((sum, value, element) => sum + value * weight[element * filterCount + filter]!, 0),
      );
      outputs.forEach((a, row) => outputs.forEach((b, column) => (products[row]![column]! += a * b)));
    }
    products.forEach((row, a) =>
      row.forEach((sum, b) => expect(sum / patches.length).toBeCloseTo(a === b ? 1 : 0, 3)),
    );
  },
);

it('the second half of the filters are the negatives of the first', () => {
  const weight = whiteningFilters({
    set,
    indices,
    normalisation,
    kernelSize: 2,
    filterCount: 8,
    epsilon: 5e-4,
  });
  for (let element = 0; element < 12; element++) {
    for (let filter = 0; filter < 4; filter++) {
      expect(weight[element * 8 + 4 + filter]).toBe(-weight[element * 8 + filter]!);
    }
  }
});
