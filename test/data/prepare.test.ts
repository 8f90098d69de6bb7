import { describe, expect, it } from 'vitest';
import { alternatingFlips, augmentationKey, dropoutKey, prepareImages, VIEWS } from '../../src/data/index.js';
import { drawAugmentation } from '../../src/data/augmentation.js';
import type { Augmentation } from '../../src/data/augmentation.js';
import { seedKey } from '../../src/foundation/random.js';

const IMAGE_SHAPE = { height: 32, width: 32, channels: 3 };
const NORMALISATION = { mean: [0.5, 0.25, 0.125], standardDeviation: [0.5, 0.25, 2] } as const;
const IDENTITY = { mean: [0, 0, 0], standardDeviation: [1, 1, 1] } as const;

/** Images whose every byte differs from its neighbours', and is never 0, which is the padding's. */
function testPixels(sampleCount: number): Uint8Array {
  return Uint8Array.from(
    { length: sampleCount * 3072 },
    (_, index) => 1 + ((index * 31 + (index >> 5)) % 255),
  );
}

/** The textbook way: pad by so many pixels of zero, cut 32x32 out, then mirror the result. */
function augmentByTheBook(
  image: Uint8Array,
  padding: number,
  { top, left, mirrored }: Augmentation,
): Uint8Array {
  const side = 32 + 2 * padding;
  const padded = new Uint8Array(side * side * 3);
  for (let y = 0; y < 32; y++) {
    padded.set(image.subarray(y * 96, y * 96 + 96), ((y + padding) * side + padding) * 3);
  }
  const result = new Uint8Array(3072);
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 32; x++) {
      const from = ((y + padding + top) * side + padding + left + (mirrored ? 31 - x : x)) * 3;
      result.set(padded.subarray(from, from + 3), (y * 32 + x) * 3);
    }
  }
  return result;
}

describe('prepareImages of another shape', () => {
  it('shifts and mirrors each channel of wide images as of square ones', () => {
    const imageShape = { height: 3, width: 5, channels: 2 };
    const pixels = Uint8Array.from({ length: 4 * 30 }, (_, index) => 1 + index);
    const normalisation = { mean: [0, 0.5], standardDeviation: [1 / 255, 0.5 / 255] };
    const augmentation = { key: [3, 4], cropPadding: 1 } as const;
    const images = prepareImages({ imageShape, pixels, sampleCount: 4, normalisation, augmentation });
    for (let sample = 0; sample < 4; sample++) {
      const { top, left, mirrored } = drawAugmentation(augmentation, sample, IMAGE_SHAPE);
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 5; column++) {
          const [y, x] = [row + top, (mirrored ? 4 - column : column) + left];
          const isInside = y >= 0 && y < 3 && x >= 0 && x < 5;
          const at = sample * 30 + (row * 5 + column) * 2;
          const from = sample * 30 + (y * 5 + x) * 2;
          expect(images[at]).toBeCloseTo(isInside ? pixels[from]! : 0, 3);
          expect(images[at + 1]).toBeCloseTo(isInside ? 2 * pixels[from + 1]! - 255 : 0, 3);
        }
      }
    }
  });
});

describe('prepareImages', () => {
  it('standardises each channel by its own mean and deviation', () => {
    const pixels = testPixels(2);
    const images = prepareImages({
      imageShape: IMAGE_SHAPE,
      pixels,
      sampleCount: 2,
      normalisation: NORMALISATION,
      augmentation: undefined,
    });
    images.forEach((value, index) => {
      const { mean, standardDeviation } = NORMALISATION;
      const expected = (pixels[index]! / 255 - mean[index % 3]!) / standardDeviation[index % 3]!;
      expect(value).toBe(Math.fround(expected));
    });
  });

  it('does not mix up two normalisations used in turn', () => {
    const pixels = testPixels(1);
    const prepare = (normalisation: typeof NORMALISATION | typeof IDENTITY): Float32Array =>
      prepareImages({
        imageShape: IMAGE_SHAPE,
        pixels,
        sampleCount: 1,
        normalisation,
        augmentation: undefined,
      });
    const first = prepare(NORMALISATION);
    expect(prepare(IDENTITY)).not.toEqual(first);
    expect(prepare(NORMALISATION)).toEqual(first);
  });

  it.each([4, 2, 0, 16])('pads by %i, crops and mirrors as the textbook does, as drawn', (cropPadding) => {
    const sampleCount = 64;
    const pixels = testPixels(sampleCount);
    const augmentation = { key: augmentationKey(1, 2, 3, 4), cropPadding };
    const images = prepareImages({
      imageShape: IMAGE_SHAPE,
      pixels,
      sampleCount,
      normalisation: IDENTITY,
      augmentation,
    });
    for (let position = 0; position < sampleCount; position++) {
      const drawn = drawAugmentation(augmentation, position, IMAGE_SHAPE);
      const part = pixels.subarray(position * 3072, position * 3072 + 3072);
      const expected = Float32Array.from(augmentByTheBook(part, cropPadding, drawn), (byte) => byte / 255);
      expect(images.subarray(position * 3072, position * 3072 + 3072)).toEqual(expected);
    }
  });

  it('pads with zero after standardisation: with the mean colour', () => {
    const augmentation = { key: augmentationKey(1, 0, 0, 0), cropPadding: 4 };
    const sampleCount = 16;
    const images = prepareImages({
      imageShape: IMAGE_SHAPE,
      pixels: new Uint8Array(sampleCount * 3072).fill(128),
      sampleCount,
      normalisation: NORMALISATION,
      augmentation,
    });
    const position = Array.from({ length: sampleCount }, (_, at) => at).find(
      (at) => drawAugmentation(augmentation, at, IMAGE_SHAPE).top === -4,
    )!;
    expect([...images.subarray(position * 3072, position * 3072 + 3)]).toEqual([0, 0, 0]);
  });

  it('treats a sample the same whatever else is in its micro-batch', () => {
    const pixels = testPixels(4);
    const augmentation = { key: augmentationKey(1, 0, 0, 0), cropPadding: 4 };
    const all = prepareImages({
      imageShape: IMAGE_SHAPE,
      pixels,
      sampleCount: 4,
      normalisation: IDENTITY,
      augmentation,
    });
    const two = prepareImages({
      imageShape: IMAGE_SHAPE,
      pixels: pixels.slice(0, 2 * 3072),
      sampleCount: 2,
      normalisation: IDENTITY,
      augmentation,
    });
    expect(all.slice(0, 2 * 3072)).toEqual(two);
  });

  it('refuses pixels that are not as many as the samples need', () => {
    expect(() =>
      prepareImages({
        imageShape: IMAGE_SHAPE,
        pixels: new Uint8Array(3071),
        sampleCount: 1,
        normalisation: IDENTITY,
        augmentation: undefined,
      }),
    ).toThrow(/3071 bytes of pixels for 1 images/);
  });
});

describe('drawAugmentation', () => {
  it.each([4, 2, 0])('draws every offset up to %i and both directions equally often', (cropPadding) => {
    const offsets = 2 * cropPadding + 1;
    const tops = new Array<number>(offsets).fill(0);
    const lefts = new Array<number>(offsets).fill(0);
    let mirroredCount = 0;
    const count = 1000 * offsets;
    for (let position = 0; position < count; position++) {
      const { top, left, mirrored } = drawAugmentation(
        { key: seedKey(3), cropPadding },
        position,
        IMAGE_SHAPE,
      );
      tops[top + cropPadding]!++;
      lefts[left + cropPadding]!++;
      if (mirrored) mirroredCount++;
    }
    for (const occurrences of [...tops, ...lefts]) expect(Math.abs(occurrences - 1000)).toBeLessThan(150); // 5 sigma
    expect(Math.abs(mirroredCount - count / 2)).toBeLessThan(2.5 * Math.sqrt(count)); // 5 sigma
  });
});

describe('the keys', () => {
  it('differ in seed, epoch, step, micro-batch and purpose', () => {
    const keys = [
      augmentationKey(1, 0, 0, 0),
      augmentationKey(2, 0, 0, 0),
      augmentationKey(1, 1, 0, 0),
      augmentationKey(1, 0, 1, 0),
      augmentationKey(1, 0, 0, 1),
      dropoutKey(1, 0, 0, 0),
    ];
    expect(new Set(keys.map(String)).size).toBe(keys.length);
  });
});

describe('borders, alternating flips and cutout', () => {
  const pixels = testPixels(6);
  const common = { imageShape: IMAGE_SHAPE, pixels, sampleCount: 6, normalisation: IDENTITY };
  const key = seedKey(11);

  it('reflects the image without repeating its outermost pixels', () => {
    const augmentation = { key, cropPadding: 4, border: 'reflect' } as const;
    const images = prepareImages({ ...common, augmentation });
    const mirror = (place: number): number => (place < 0 ? -place : place > 31 ? 62 - place : place);
    for (let sample = 0; sample < 6; sample++) {
      const { top, left, mirrored } = drawAugmentation(augmentation, sample, IMAGE_SHAPE);
      for (let row = 0; row < 32; row++) {
        for (let column = 0; column < 32; column++) {
          const from = (mirror(row + top) * 32 + mirror((mirrored ? 31 - column : column) + left)) * 3;
          const at = sample * 3072 + (row * 32 + column) * 3;
          expect(images[at]).toBeCloseTo(pixels[sample * 3072 + from]! / 255, 6);
        }
      }
    }
  });

  it('mirrors the samples it is told to, and leaves the crops as they were', () => {
    const mirrored = Uint8Array.of(1, 0, 1, 1, 0, 0);
    for (let sample = 0; sample < 6; sample++) {
      const drawn = drawAugmentation({ key, cropPadding: 4 }, sample, IMAGE_SHAPE);
      const told = drawAugmentation({ key, cropPadding: 4, mirrored }, sample, IMAGE_SHAPE);
      expect(told).toEqual({ ...drawn, mirrored: mirrored[sample] === 1 });
    }
  });

  it('mirrors each sample in every second epoch, and half of them in the first', () => {
    const samples = Uint32Array.from({ length: 4000 }, (_, index) => 3 * index);
    const [first, second, third] = [0, 1, 2].map((epoch) => alternatingFlips(5, epoch, samples));
    first!.forEach((flip, at) => expect([flip + second![at]!, third![at]]).toEqual([1, flip]));
    const share = first!.reduce((sum, flip) => sum + flip, 0) / samples.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / samples.length));
    expect(alternatingFlips(6, 0, samples)).not.toEqual(first);
    expect(alternatingFlips(5, 0, samples.slice(10, 12))).toEqual(first!.slice(10, 12)); // not by its place
  });

  it('cuts a square out around a pixel anywhere, and no other pixel changes', () => {
    const augmentation = { key, cropPadding: 4, cutout: 8 };
    const images = prepareImages({ ...common, augmentation });
    const whole = prepareImages({ ...common, augmentation: { key, cropPadding: 4 } });
    for (let sample = 0; sample < 6; sample++) {
      const { hole } = drawAugmentation(augmentation, sample, IMAGE_SHAPE);
      for (let row = 0; row < 32; row++) {
        for (let column = 0; column < 32; column++) {
          const isCut =
            row >= hole!.row - 4 &&
            row < hole!.row + 4 &&
            column >= hole!.column - 4 &&
            column < hole!.column + 4;
          const at = sample * 3072 + (row * 32 + column) * 3;
          expect(images[at]).toBe(isCut ? 0 : whole[at]);
        }
      }
    }
  });
});

it('prepares one and the same view of every image, with a reflected border', () => {
  const pixels = testPixels(2);
  const common = {
    imageShape: IMAGE_SHAPE,
    pixels,
    sampleCount: 2,
    normalisation: IDENTITY,
    augmentation: undefined,
  };
  const [plain, moved] = [undefined, { top: 1, left: 1, mirrored: true, hole: undefined }].map((window) =>
    prepareImages({ ...common, window }),
  );
  for (let sample = 0; sample < 2; sample++) {
    for (let row = 0; row < 32; row++) {
      for (let column = 0; column < 32; column++) {
        const [y, x] = [row === 31 ? 30 : row + 1, column === 0 ? 30 : 32 - column];
        const at = sample * 3072 + (row * 32 + column) * 3;
        expect(moved![at]).toBe(plain![sample * 3072 + (y * 32 + x) * 3]);
      }
    }
  }
});

it('weights of views sum to one', () => {
  for (const views of Object.values(VIEWS)) {
    expect(views.reduce((sum, { weight }) => sum + weight, 0)).toBe(1);
  }
});

it.each([
  { height: 1, width: 3, channels: 1 },
  { height: 3, width: 1, channels: 1 },
  { height: 1, width: 1, channels: 1 },
])('reflects an image that has one row or column into itself: $height x $width', (imageShape) => {
  const pixels = Uint8Array.from({ length: 2 * imageShape.height * imageShape.width }, (_, at) => 10 * at);
  const half = pixels.length / 2;
  const normalisation = { mean: [0], standardDeviation: [1] };
  for (const shift of [-1, 1]) {
    const window = { top: shift, left: shift, mirrored: false, hole: undefined };
    const common = { imageShape, normalisation, augmentation: undefined, window };
    const both = prepareImages({ ...common, pixels, sampleCount: 2 });
    // Each image by itself, so nothing can come from its neighbour.
    const alone = [pixels.slice(0, half), pixels.slice(half)].map((image) => [
      ...prepareImages({ ...common, pixels: image, sampleCount: 1 }),
    ]);
    expect([...both]).toEqual(alone.flat());
    expect(alone.flat().every(Number.isFinite)).toBe(true);
  }
});
