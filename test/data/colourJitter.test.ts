import { describe, expect, it } from 'vitest';
import { drawAugmentation } from '../../src/data/augmentation.js';
import { jitterColours } from '../../src/data/colourJitter.js';
import type { Jitter } from '../../src/data/colourJitter.js';
import { prepareImages } from '../../src/data/index.js';
import { seedKey } from '../../src/foundation/random.js';

const SHAPE = { height: 2, width: 2, channels: 3 };
const PIXELS = Uint8Array.of(10, 60, 255, 200, 90, 7, 30, 0, 128, 250, 120, 33);
const key = seedKey(3);

const jittered = (jitter: Jitter, channels = 3): number[] => {
  const values = Float64Array.from(PIXELS);
  jitterColours(values, { channels }, jitter);
  return [...values];
};

function expectClose(actual: readonly number[], expected: readonly number[], digits = 8): void {
  actual.forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, digits));
}

describe('colour jitter', () => {
  // The formulas of torchvision's adjust_saturation, adjust_brightness and adjust_contrast for floats, in torch 2.13, times 255.
  it('changes colours as torchvision does', () => {
    expectClose(
      jittered([
        { change: 'saturation', factor: 0.4 },
        { change: 'brightness', factor: 1.5 },
        { change: 'contrast', factor: 0.7 },
      ]),
      [
        ...[85.664472162, 106.664472162, 188.564472162, 194.525742162, 148.325742162, 113.465742162],
        ...[66.520872162, 53.920872162, 107.680872162, 217.578702162, 183.302712162, 146.762712162],
      ],
    );
    expectClose(
      jittered([
        { change: 'brightness', factor: 0.8 },
        { change: 'contrast', factor: 1.6 },
        { change: 'saturation', factor: 1.9 },
      ]),
      [0, 21.049871508, 255, 255, 42.420439756, 0, 0, 0, 218.310837976, 255, 83.961881508, 0],
    );
  });

  it('takes the mean of all values for the contrast of grey images, which have no saturation', () => {
    const mean = PIXELS.reduce((sum, value) => sum + value, 0) / PIXELS.length;
    const changes: Jitter = [
      { change: 'saturation', factor: 0 },
      { change: 'contrast', factor: 0.5 },
    ];
    expectClose(
      jittered(changes, 1),
      [...PIXELS].map((value) => (value + mean) / 2),
    );
  });

  it('draws factors around 1 and all orders, from the sample’s own stream', () => {
    const drawn = Array.from(
      { length: 600 },
      (_, position) => drawAugmentation({ key, cropPadding: 4, colourJitter: 0.3 }, position, SHAPE).jitter!,
    );
    const factors = drawn.flatMap((jitter) => jitter.map(({ factor }) => factor));
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.7);
    expect(Math.max(...factors)).toBeLessThan(1.3);
    const mean = factors.reduce((sum, factor) => sum + factor, 0) / factors.length;
    expect(Math.abs(mean - 1)).toBeLessThan((4 * 0.6) / Math.sqrt(12 * factors.length));
    expect(new Set(drawn.map((jitter) => jitter.map(({ change }) => change).join())).size).toBe(6);
  });

  it('leaves crops, flips and squares as they are without it', () => {
    for (let position = 0; position < 9; position++) {
      const plain = { key, cropPadding: 4, cutout: 8 };
      const { jitter: _, ...others } = drawAugmentation({ ...plain, colourJitter: 0.5 }, position, SHAPE);
      expect(drawAugmentation(plain, position, SHAPE)).toEqual({ ...others, jitter: undefined });
    }
  });

  it('comes before the crop, whose border keeps the mean colour', () => {
    const normalisation = { mean: [0.5, 0.4, 0.3], standardDeviation: [0.2, 0.25, 0.3] };
    const augmentation = { key, cropPadding: 1, colourJitter: 0.5 };
    const [image] = [0].map((position) => ({
      ...drawAugmentation(augmentation, position, SHAPE),
      values: prepareImages({
        pixels: PIXELS,
        imageShape: SHAPE,
        sampleCount: 1,
        normalisation,
        augmentation,
      }),
    }));
    const values = jittered(image!.jitter!);
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 2; column++) {
        const [y, x] = [row + image!.top, (image!.mirrored ? 1 - column : column) + image!.left];
        const isInside = y >= 0 && y < 2 && x >= 0 && x < 2;
        for (let channel = 0; channel < 3; channel++) {
          const { mean, standardDeviation } = normalisation;
          const value = values[(y * 2 + x) * 3 + channel]! / 255;
          const expected = isInside ? (value - mean[channel]!) / standardDeviation[channel]! : 0;
          expect(image!.values[(row * 2 + column) * 3 + channel]).toBeCloseTo(expected, 6);
        }
      }
    }
  });
});
