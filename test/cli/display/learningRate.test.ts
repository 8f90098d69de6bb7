import { describe, expect, it } from 'vitest';
import { learningRateLines } from '../../../src/cli/display/learningRate.js';

const points = Array.from({ length: 40 }, (_, at) => {
  const loss = 1.2 - at / 400;
  return { step: at + 1, lr: 1e-4 * 1.3 ** at, loss, smoothed: loss };
});
const nothing = { points, lr: null, reason: 'why', warnings: [], steepestAt: null, lowestAt: null };

describe('the curve of a range test', () => {
  it('explains the marks that it has, and no others', () => {
    const without = learningRateLines({ ...nothing, divergedAt: null }, 80).join('\n');
    expect(without).not.toMatch(/suggested|falls fastest|diverges/);
    const diverged = learningRateLines({ ...nothing, divergedAt: points.at(-1)!.lr }, 80).join('\n');
    expect(diverged).toMatch(/^ *d diverges$/m);
    const found = { ...nothing, lr: 0.003, steepestAt: 0.01, divergedAt: null };
    expect(learningRateLines(found, 80).join('\n')).toMatch(/\^ suggested {3}s falls fastest$/m);
  });

  it('names its folder if it has one', () => {
    expect(learningRateLines({ ...nothing, divergedAt: null }, 80).join()).not.toContain('the curve:');
    const kept = { ...nothing, divergedAt: null, runDir: 'runs/rates' };
    expect(learningRateLines(kept, 80).at(-1)).toBe('the curve: runs/rates');
  });
});
