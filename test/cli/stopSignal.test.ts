import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listenForStop } from '../../src/cli/stopSignal.js';
import type { StopSignal } from '../../src/cli/stopSignal.js';

const NAMES = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function listening(): { stop: StopSignal; heard: string[] } {
  const heard: string[] = [];
  const stop = listenForStop((name) => heard.push(name));
  onTestFinished(() => stop.dispose());
  return { stop, heard };
}

describe('listening for a signal to stop', () => {
  // 128 and the number of the signal: POSIX.1-2017, XCU 2.8.2, as the shells have it.
  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s asks to save and stop, with exit code %d', (name, exitCode) => {
    const { stop, heard } = listening();
    expect(stop.signal.aborted).toBe(false);
    expect(stop.exitCode()).toBeUndefined();
    process.emit(name);
    expect(heard).toEqual([name]);
    expect(stop.signal.aborted).toBe(true);
    expect(String(stop.signal.reason)).toContain(name);
    expect(stop.exitCode()).toBe(exitCode);
  });

  it('takes what follows at once for an echo, and what comes later for impatience', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const { heard } = listening();
    process.emit('SIGHUP');
    vi.advanceTimersByTime(100);
    process.emit('SIGHUP');
    process.emit('SIGTERM');
    expect(heard).toEqual(['SIGHUP']);
    expect(exit).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledExactlyOnceWith(129);
  });

  it('ends when it is disposed of', () => {
    const before = NAMES.map((name) => process.listenerCount(name));
    const { stop } = listening();
    expect(NAMES.map((name) => process.listenerCount(name))).toEqual(before.map((count) => count + 1));
    stop.dispose();
    expect(NAMES.map((name) => process.listenerCount(name))).toEqual(before);
  });
});
