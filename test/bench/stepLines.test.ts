import { describe, expect, it } from 'vitest';
import { summariseSteps } from '../../bench/stepLines.js';

/** Three steps of 100 samples; the lines are written at 0, 250 and 450 ms. */
const LINES = [
  { event: 'worker-joined', numericsClass: 'simd-fma/1' },
  step(1, '2026-01-01T00:00:00.000Z', 1000, 500),
  step(2, '2026-01-01T00:00:00.250Z', 200, 2),
  { event: 'checkpoint', step: 2, file: 'somewhere' },
  step(3, '2026-01-01T00:00:00.450Z', 100, 1),
];
const text = LINES.map((line) => `${JSON.stringify(line)}\n`).join('');

function step(number: number, time: string, stepMs: number, coordinationMs: number): object {
  const imagesPerSecond = 100 / (stepMs / 1000);
  return { event: 'step', step: number, time, samples: 100, stepMs, coordinationMs, imagesPerSecond };
}

describe('summariseSteps', () => {
  it('leaves out the steps that warm up', () => {
    const summary = summariseSteps(text, 1);
    expect(summary.measuredSteps).toBe(2);
    expect(summary.imagesPerSecond).toBe(750); // of 500 and 1000
    expect(summary.medianStepMs).toBe(150);
    expect(summary.coordinationShare).toBeCloseTo(3 / 300);
  });

  it('counts by the clock what happens between steps', () => {
    expect(summariseSteps(text, 1).clockImagesPerSecond).toBeCloseTo(200 / 0.45);
  });

  it('says which arithmetic it was', () => {
    expect(summariseSteps(text, 1).numericsClass).toBe('simd-fma/1');
  });

  it('refuses a run that ended while it warmed up', () => {
    expect(() => summariseSteps(text, 3)).toThrow('a run of 3 steps is too short for 3 warm-up steps');
  });
});
