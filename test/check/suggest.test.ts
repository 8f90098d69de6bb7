import { describe, expect, it } from 'vitest';
import { suggestRate } from '../../src/check/index.js';
import { RandomStream } from '../../src/foundation/random.js';
import type { RatePoint } from '../../src/check/index.js';

const STEPS = 150;
const GUESS = Math.log(10);
const [FROM, TO] = [1e-4, 10];

/** A curve over log10 of the rate. */
function curve(lossAt: (log: number) => number): readonly RatePoint[] {
  return Array.from({ length: STEPS }, (_, step) => {
    const lr = FROM * (TO / FROM) ** (step / (STEPS - 1));
    return { step: step + 1, lr, loss: lossAt(Math.log10(lr)) };
  });
}

/** Falls from 2.3 to 1.3, fastest at this power of ten. */
const falling = (middle: number) => (log: number) => 2.3 - 1 / (1 + Math.exp(-4 * (log - middle)));
const stream = new RandomStream([1, 2]);
const noise = (): number => stream.nextNormal();

describe('suggestRate', () => {
  it('finds up to where the loss falls fastest', () => {
    const { steepestAt } = suggestRate({ guess: GUESS, points: curve(falling(-1.5)), divergedAt: 10 });
    expect(Math.log10(steepestAt!)).toBeGreaterThan(-1.5);
    expect(Math.log10(steepestAt!)).toBeLessThan(-1);
  });

  /** As networks with batch normalisation do: it learns less and less at higher rates, and diverges much later. */
  const valley = (bottom: number) => (log: number) => 1.3 + Math.min(1, (0.4 * (log - bottom)) ** 2);

  it('suggests the highest rate at which the loss is nearly as low as anywhere, and says so', () => {
    const found = suggestRate({ guess: GUESS, points: curve(valley(-1.2)), divergedAt: 10 });
    // The fall is from 2.3 to 1.3, and a twentieth of it above the bottom at a distance of sqrt(0.05) / 0.4.
    expect(Math.log10(found.lr!)).toBeCloseTo(-1.2 + Math.sqrt(0.05) / 0.4, 1);
    expect(Math.log10(found.lowestAt!)).toBeCloseTo(-1.2, 1);
    expect(found.reason).toMatch(/lowest at 0\.06\d? and nearly as low up to 0\.2\d?; it diverges at 10$/);
  });

  it('does not cross a rise to a second valley', () => {
    const two = (log: number): number => Math.min(valley(-2)(log), valley(0)(log) + 0.01);
    expect(suggestRate({ guess: GUESS, points: curve(two), divergedAt: null }).lr).toBeLessThan(0.1);
  });

  it('stays at half of the rate at which it diverges', () => {
    const found = suggestRate({ guess: GUESS, points: curve(valley(-1.2)), divergedAt: 0.3 });
    expect(found.lr).toBe(0.15);
    expect(found.reason).toMatch(/diverges at 0\.3, and the suggestion is half of that/);
  });

  it('finds the same under noise that is smaller than the fall', () => {
    const clean = falling(-1.5);
    const { steepestAt } = suggestRate({
      guess: GUESS,
      points: curve((log) => clean(log) + 0.03 * noise()),
      divergedAt: 10,
    });
    expect(Math.abs(Math.log10(steepestAt!) + 1.5)).toBeLessThan(0.5);
  });

  it('does not take the fall to the loss of a guess for learning', () => {
    const logits = (log: number): number => 2 / (1 + Math.exp(8 * (log + 3.2)));
    const points = curve((log) => falling(-1.5)(log) + logits(log));
    const { steepestAt } = suggestRate({ guess: GUESS, points, divergedAt: 10 });
    expect(Math.log10(steepestAt!)).toBeGreaterThan(-1.6);
  });

  it('warns where it is not to be trusted', () => {
    const still = suggestRate({ guess: GUESS, points: curve((log) => 1.5 - 0.2 * log), divergedAt: null });
    expect(still.warnings.join()).toMatch(/still falls at 10: .* test up to a higher one/);
    const flat = suggestRate({ guess: GUESS, points: curve(valley(0.6)), divergedAt: null });
    expect(flat.warnings.join()).toMatch(/is still nearly as low at 10: .* test up to a higher one/);
    const sudden = suggestRate({ guess: GUESS, points: still.points, divergedAt: 10 });
    expect(sudden).toMatchObject({ lr: 5, warnings: still.warnings.slice(1) });
    const low = suggestRate({ guess: GUESS, points: curve(falling(-4)), divergedAt: 1 });
    expect(low.warnings.join()).toMatch(/begin with a lower one/);
    const noisy = suggestRate({
      guess: GUESS,
      points: curve((log) => falling(-1.5)(log) + noise()),
      divergedAt: 10,
    });
    expect(noisy.warnings.join()).toMatch(/larger batch/);
    expect(suggestRate({ guess: GUESS, points: curve(valley(-1)), divergedAt: null }).warnings).toEqual([]);
  });

  it('suggests nothing where the loss never falls, or diverges at once', () => {
    expect(suggestRate({ guess: GUESS, points: curve(() => 2.3), divergedAt: 10 })).toMatchObject({
      lr: null,
    });
    const { lr, reason } = suggestRate({
      guess: GUESS,
      points: curve(() => 2.3).slice(0, 5),
      divergedAt: 1e-4,
    });
    expect(lr).toBeNull();
    expect(reason).toMatch(/begin with a lower rate/);
  });

  it('tells a curve that falls too little from one that does not fall', () => {
    const little = suggestRate({
      guess: Math.log(3),
      points: curve((log) => 1.184 - 0.14 / (1 + Math.exp(-4 * (log + 1)))).filter((_, at) => at % 4 === 0),
      divergedAt: null,
    });
    expect(little.lr).toBeNull();
    expect(little.reason).toMatch(
      /from 1\.184 to 1\.0\d+: 38 steps are too few, or too noisy; use more steps/,
    );
    const flat = suggestRate({ guess: GUESS, points: curve(() => 2.3), divergedAt: 10 });
    expect(flat.reason).toMatch(/never fell/);
  });
});
