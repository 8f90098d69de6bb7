import { describe, expect, it } from 'vitest';
import { augmentationKey, prepareImages } from '../../src/data/index.js';
import { drawBeta, drawMixing } from '../../src/data/mixup.js';
import { RandomStream, seedKey } from '../../src/foundation/random.js';

const DRAWS = 20_000;

/** The share of Beta(alpha, alpha) below x, by the midpoint rule in v = t^alpha, which has no pole up to a half. */
function below(x: number, alpha: number): number {
  if (x > 0.5) return 1 - below(1 - x, alpha);
  const steps = 20_000;
  const area = (to: number): number => {
    let sum = 0;
    for (let step = 0; step < steps; step++) {
      const v = (to ** alpha * (step + 0.5)) / steps;
      sum += (1 - v ** (1 / alpha)) ** (alpha - 1);
    }
    return (sum * to ** alpha) / steps;
  };
  return area(x) / (2 * area(0.5));
}

describe('a share from Beta(alpha, alpha)', () => {
  it.each([0.05, 0.2, 0.4, 1, 2.5, 40])('has its distribution for alpha %d', (alpha) => {
    const stream = new RandomStream(seedKey(1000 * alpha));
    const drawn = Array.from({ length: DRAWS }, () => drawBeta(stream, alpha));
    for (const x of [0.05, 0.3, 0.45, 0.5, 0.8, 0.99]) {
      const share = drawn.filter((value) => value < x).length / DRAWS;
      const expected = below(x, alpha);
      const deviation = Math.sqrt((expected * (1 - expected)) / DRAWS);
      expect(Math.abs(share - expected)).toBeLessThan(4.5 * deviation + 1e-3);
    }
  });

  it('is finite where the powers vanish', () => {
    const stream = new RandomStream(seedKey(5));
    for (let draw = 0; draw < 200; draw++) {
      const share = drawBeta(stream, 1e-4);
      expect(share >= 0 && share <= 1).toBe(true);
    }
  });
});

describe('mixed images', () => {
  const imageShape = { height: 4, width: 4, channels: 3 };
  const sampleCount = 6;
  const pixels = Uint8Array.from({ length: 48 * sampleCount }, (_, at) => (at * 37) % 256);
  const normalisation = { mean: [0.5, 0.4, 0.3], standardDeviation: [0.2, 0.25, 0.3] };
  const key = augmentationKey(7, 2, 3, 1);
  const prepared = (mixup: number): Float32Array =>
    prepareImages({
      ...{ pixels, imageShape, sampleCount, normalisation },
      augmentation: { key, cropPadding: 1, mixup },
    });

  it('are the augmented images, each with its partner, in the share of the micro-batch', () => {
    const [plain, mixed] = [prepared(0), prepared(0.4)];
    const { share, partners } = drawMixing(key, 0.4, sampleCount);
    expect([...partners].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    mixed.forEach((value, at) => {
      const other = partners[Math.floor(at / 48)]! * 48 + (at % 48);
      expect(value).toBeCloseTo(share * plain[at]! + (1 - share) * plain[other]!, 6);
    });
  });

  it('are mixed anew in each epoch, step and micro-batch, and alike for the same ones', () => {
    const textOf = (...place: Parameters<typeof augmentationKey>): string =>
      JSON.stringify(drawMixing(augmentationKey(...place), 1, 8));
    const places: readonly Parameters<typeof augmentationKey>[] = [
      [7, 2, 3, 1],
      [8, 2, 3, 1],
      [7, 3, 3, 1],
      [7, 2, 4, 1],
      [7, 2, 3, 2],
    ];
    expect(new Set(places.map((place) => textOf(...place))).size).toBe(5);
    expect(textOf(7, 2, 3, 1)).toBe(textOf(7, 2, 3, 1));
  });
});
