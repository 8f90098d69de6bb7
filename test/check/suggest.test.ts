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

  it('suggests a rate between that and a tenth of where it diverges, and says so', () => {
    const found = suggestRate({ guess: GUESS, points: curve(falling(-1.5)), divergedAt: 10 });
    expect(found.lr).toBeGreaterThan(0.03);
    expect(found.lr).toBeLessThanOrEqual(1);
    expect(found.reason).toMatch(/falls fastest up to 0\.0\d+, and .*diverges at 10, a tenth of which is 1/);
    expect(found.divergedAt).toBe(10);
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
    const never = suggestRate({ guess: GUESS, points: curve(falling(-1.5)), divergedAt: null });
    expect(never.warnings.join()).toMatch(/did not diverge up to 10/);
    const low = suggestRate({ guess: GUESS, points: curve(falling(-4)), divergedAt: 1 });
    expect(low.warnings.join()).toMatch(/begin with a lower one/);
    const noisy = suggestRate({
      guess: GUESS,
      points: curve((log) => falling(-1.5)(log) + noise()),
      divergedAt: 10,
    });
    expect(noisy.warnings.join()).toMatch(/larger batch/);
    expect(suggestRate({ guess: GUESS, points: curve(falling(-1)), divergedAt: 2 }).warnings).toEqual([]);
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
