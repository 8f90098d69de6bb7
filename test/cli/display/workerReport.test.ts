import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerReport } from '../../../src/cli/display/workerReport.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

describe('the report of a worker', () => {
  it('tells each minute what was done in it', () => {
    const said: string[] = [];
    const report = new WorkerReport((message) => said.push(message));
    for (let item = 0; item < 30; item++)
      report.answered({ kind: 'work', step: 41, sampleCount: 32, lossSum: 0, correct: 0 });
    vi.advanceTimersByTime(59_999);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(1);
    report.answered({ kind: 'evaluate', sampleCount: 100, lossSum: 0, correct: 0 });
    vi.advanceTimersByTime(120_000);
    report.stop();
    vi.advanceTimersByTime(600_000);
    expect(said).toEqual([
      'step 42: 30 items in the last minute, 16 images/s',
      'evaluation: 1 item in the last minute, 1.7 images/s',
      'no work in the last minute',
    ]);
  });
});
