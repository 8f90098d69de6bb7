/**
 * A substitute for CIFAR-10 on machines without data or network: ten classes of 32x32x3 images that are drawn, not
 * stored. Each class is a shape of any position, size, rotation and colour, so a linear model of the pixels stays near
 * chance, and a network is needed.
 */

import { deriveKey, Purpose, seedKey } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';
import { checkSampleIndex, imageByteCount } from './imageSet.js';
import type { ImageSet } from './imageSet.js';
import { drawSyntheticImage } from './syntheticDrawing.js';
import { SYNTHETIC_FORMAT } from './syntheticShapes.js';

const DEFAULT_SEED = 1; // of the data set; the run's seed does not change the data
const TRAINING_COUNT = 50_000;
const TEST_COUNT = 10_000;
const TRAINING_PART = 0;
const TEST_PART = 1;
const IMAGE_BYTE_COUNT = imageByteCount(SYNTHETIC_FORMAT.imageShape);

/** 50,000 training images, 5,000 per class. Each is a pure function of (seed, index). */
export function syntheticTrainingSet(seed = DEFAULT_SEED): ImageSet {
  return new SyntheticSet(deriveKey(seedKey(seed), Purpose.synthetic, TRAINING_PART), TRAINING_COUNT);
}

/** 10,000 test images, 1,000 per class, from other random streams than the training set. */
export function syntheticTestSet(seed = DEFAULT_SEED): ImageSet {
  return new SyntheticSet(deriveKey(seedKey(seed), Purpose.synthetic, TEST_PART), TEST_COUNT);
}

/** Draws an image when it is first read, and keeps it. The system allocates only the pages that are written to. */
class SyntheticSet implements ImageSet {
  readonly name = 'synthetic';
  readonly imageShape = SYNTHETIC_FORMAT.imageShape;
  readonly classNames = SYNTHETIC_FORMAT.classNames;
  private readonly pixels: Uint8Array; // (sampleCount, 32, 32, 3)
  private readonly isDrawn: Uint8Array; // (sampleCount)
  private readonly canvas = new Float64Array(IMAGE_BYTE_COUNT);

  constructor(
    private readonly key: RandomKey,
    readonly sampleCount: number,
  ) {
    this.pixels = new Uint8Array(sampleCount * IMAGE_BYTE_COUNT);
    this.isDrawn = new Uint8Array(sampleCount);
  }

  labelOf(index: number): number {
    checkSampleIndex(index, this.sampleCount);
    return index % this.classNames.length;
  }

  read(index: number, target: Uint8Array, targetOffset: number): number {
    const label = this.labelOf(index);
    const start = index * IMAGE_BYTE_COUNT;
    if (this.isDrawn[index] === 0) {
      drawSyntheticImage(deriveKey(this.key, index), label, this.canvas, this.pixels, start);
      this.isDrawn[index] = 1;
    }
    target.set(this.pixels.subarray(start, start + IMAGE_BYTE_COUNT), targetOffset);
    return label;
  }
}
