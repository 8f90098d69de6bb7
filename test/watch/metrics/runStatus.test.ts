import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { RunStatusWatcher } from '../../../src/watch/metrics/runStatus.js';

const watcherAfter = (...events: readonly object[]): RunStatusWatcher => {
  const watcher = new RunStatusWatcher();
  for (const event of events) watcher.on(event as RunEvent);
  return watcher;
};
const STARTED = { event: 'run-started' };
const WAITING = { event: 'waiting', reason: 'for 2 worker(s)', workersNeeded: 2 };
const STEP = { event: 'step' };

describe('the state of a run for a probe', () => {
  it('is not training while nobody computes, from the first moment on', () => {
    expect(watcherAfter().status(0).state).toBe('starting');
    expect(watcherAfter(STARTED).status(0)).toEqual({
      state: 'starting',
      reason: 'no worker is attached yet',
    });
    expect(watcherAfter(STARTED, WAITING).status(1).state).toBe('waiting');
    expect(watcherAfter(STARTED, WAITING).status(2).state).toBe('training');
    expect(watcherAfter(STARTED).status(1).state).toBe('training');
  });

  it('waits again when the last worker leaves, and ends', () => {
    const watcher = watcherAfter(STARTED, STEP);
    expect(watcher.status(1)).toEqual({ state: 'training', reason: undefined });
    watcher.on({ ...WAITING, workersNeeded: 1, reason: 'for workers: none attached' } as RunEvent);
    expect(watcher.status(0)).toEqual({
      state: 'waiting',
      reason: 'waiting for workers: none attached; 0 attached',
    });
    watcher.on({ event: 'run-finished' } as RunEvent);
    expect(watcher.status(1).state).toBe('finished');
  });
});
