import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PlainDisplay } from '../../../src/cli/display/plainDisplay.js';
import { outputIsLog, withTime } from '../../../src/cli/display/logTime.js';
import { SUPERVISED_VARIABLE } from '../../../src/cli/process/gpus/supervised.js';
import { FakeTerminal } from './displayEvents.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.UTC(2026, 10, 24, 8, 5, 9));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('a line of a log', () => {
  it('carries the time, each line of a message', () => {
    const out = new FakeTerminal(0);
    new PlainDisplay(out, withTime).say('one\ntwo');
    expect(out.text).toBe('2026-11-24T08:05:09Z one\n2026-11-24T08:05:09Z two\n');
  });

  it('does so once: not if a supervisor adds it', () => {
    const before = process.stdout.isTTY;
    try {
      process.stdout.isTTY = false;
      expect(outputIsLog()).toBe(true);
      vi.stubEnv(SUPERVISED_VARIABLE, '1');
      expect(outputIsLog()).toBe(false);
      vi.stubEnv(SUPERVISED_VARIABLE, undefined);
      process.stdout.isTTY = true;
      expect(outputIsLog()).toBe(false);
    } finally {
      process.stdout.isTTY = before;
    }
  });
});
