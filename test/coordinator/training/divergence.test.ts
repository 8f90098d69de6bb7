import { describe, expect, it } from 'vitest';
import { inFlags } from '../../../src/cli/options/inFlags.js';
import { divergedError } from '../../../src/coordinator/training/divergence.js';
import { recipe } from '../../support/recipes.js';

describe('a run that has diverged', () => {
  it('gives a program remedies without flags, which the command line puts into flags', () => {
    const error = divergedError('the loss of step 7', recipe({ lr: 5 }));
    expect(error.message).toBe(
      'the loss of step 7 is not finite: training has diverged, and a resumed run would do so again; ' +
        'begin a new run with a lower lr (it is 5), or with warmupEpochs 1',
    );
    expect((inFlags(error) as Error).message).toMatch(
      /; begin a new run with a lower --lr \(it is 5\), or with --warmup-epochs 1$/,
    );
  });

  it('is told to warm up for longer, or not at all where the schedule does', () => {
    expect(divergedError('a', recipe({ warmupEpochs: 2 })).message).toMatch(
      /with more warmupEpochs \(they are 2\)$/,
    );
    expect(divergedError('a', recipe({ schedule: 'onecycle' })).message).toMatch(/\(it is 0\.1\)$/);
  });

  it('is told of the rate of Muon, where that trains', () => {
    const muon = divergedError('a', recipe({ schedule: 'onecycle', optimizer: 'muon', muonLr: 30 }));
    expect((inFlags(muon) as Error).message).toMatch(/or with a lower --muon-lr \(it is 30\)$/);
    expect(divergedError('a', recipe()).message).not.toContain('muonLr');
  });

  it('is told of the factor of the shifts only where it raises their rate', () => {
    const fast = divergedError('a', recipe({ schedule: 'onecycle', shiftLrFactor: 64 }));
    expect((inFlags(fast) as Error).message).toMatch(
      /lower --lr \(it is 0\.1\), or with a lower --shift-lr-factor \(it is 64\)$/,
    );
    expect(divergedError('a', recipe({ shiftLrFactor: 0.5 })).message).not.toContain('shiftLrFactor');
  });
});
