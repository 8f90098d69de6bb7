import { describe, expect, it } from 'vitest';
import { Pace } from '../../../src/cli/display/pace.js';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { epochEnd, STARTED, step } from './displayEvents.js';

/** 10 epochs of 100 steps of 2 s, 128 images each. */
function paceAfter(...events: readonly RunEvent[]): Pace {
  const pace = new Pace();
  for (const event of events) pace.event(event);
  return pace;
}

describe('the time left', () => {
  it('is not known before the first step', () => {
    expect(paceAfter(STARTED).secondsLeftInRun).toBeUndefined();
  });

  it('has the validations yet to come in it, as long as the last one took', () => {
    const events = [
      { ...STARTED, validationSamples: 1000 },
      step(100),
      epochEnd(1, { validationSeconds: 30 }),
    ];
    expect(paceAfter(...events).secondsLeftInRun).toBeCloseTo(900 * 2 + 9 * 30);
    const later = paceAfter(...events, step(150));
    expect(later.secondsLeftInRun).toBeCloseTo(850 * 2 + 9 * 30);
    expect(later.secondsLeftInEpoch).toBeCloseTo(50 * 2 + 30);
  });

  it('before the first validation takes a third of training for it', () => {
    const pace = paceAfter({ ...STARTED, validationSamples: 1920 }, step(50));
    expect(pace.secondsLeftInEpoch).toBeCloseTo(50 * 2 + 10); // 15 steps' images, a third of 30 s
    expect(pace.secondsLeftInRun).toBeCloseTo(950 * 2 + 100);
  });

  it('ends at --max-steps, without the validation of an epoch that does not end', () => {
    const started = { ...STARTED, validationSamples: 1000, maxSteps: 250 };
    const pace = paceAfter(started, step(100), epochEnd(1, { validationSeconds: 30 }), step(200));
    expect(pace.secondsLeftInRun).toBeCloseTo(50 * 2 + 30);
    expect(
      paceAfter(started, step(100), epochEnd(1), step(200), epochEnd(2), step(201)).secondsLeftInEpoch,
    ).toBeCloseTo(49 * 2);
  });

  it('counts, in a resumed run, only the validations that are still to come', () => {
    const pace = paceAfter({ ...STARTED, validationSamples: 1920, resumedAtStep: 450 }, step(451));
    expect(pace.secondsLeftInRun).toBeCloseTo(549 * 2 + 6 * 10);
  });
});
