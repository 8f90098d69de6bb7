import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { measureInTime, textOf } from '../../../src/cli/commands/engines.js';
import type { ComputePool } from '../../../src/worker/index.js';
import { ItemTimeoutError } from '../../../src/worker/index.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import { buildModel } from '../../../src/model/index.js';

const OPTIONS = { model: buildModel('resnet8'), microBatch: 32, seconds: 1 };

/** @param run stands in for the computation of a gradient of this many samples */
function poolThat(run: (samples: number) => Promise<void>): ComputePool {
  const pool: Pick<ComputePool, 'engine' | 'run'> = {
    engine: { name: 'cpu' },
    run: async ({ labels }) => {
      await run(labels.length);
      return {
        kind: 'evaluation',
        sampleCount: labels.length,
        lossSum: 0,
        correct: 0,
        logits: new Float32Array(0),
      };
    },
  };
  return pool as ComputePool;
}

describe('an engine whose measurement runs out of time', () => {
  it('is available all the same, and the user is told why there is no figure and what to do', async () => {
    const slow = poolThat(() => Promise.reject(new ItemTimeoutError(60_000)));
    const measured = await measureInTime(slow, OPTIONS);
    const line = textOf({
      engine: 'cpu',
      available: true,
      device: 'a processor',
      numericsClass: 'cpu',
      exact: true,
      versions: {},
      ...measured,
    });
    expect(line).toMatch(/^cpu +available, .*ran out of time: .* after 60 s\n +try again when .* less busy/);
    expect(line).not.toContain('not available');
  });

  it('is not taken for one that fails', async () => {
    const failing = poolThat(() => Promise.reject(new LockstepError('E_ENGINE_FAILED', 'out of memory')));
    await expect(measureInTime(failing, OPTIONS)).rejects.toThrow('out of memory');
  });
});

it('gives a slow engine no more images than fit the time, whatever the first one took', async () => {
  const given: number[] = [];
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => clock.mockRestore());
  const slow = poolThat((samples) => {
    given.push(samples);
    nowMs += 400 * samples; // within the time, though 32 of them are far beyond it
    return Promise.resolve();
  });
  await measureInTime(slow, OPTIONS);
  expect(Math.max(...given)).toBe(2);
});
