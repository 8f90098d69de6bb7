import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listenForStop } from '../../../src/cli/process/stopSignal.js';
import type { StopSignal } from '../../../src/cli/process/stopSignal.js';

const NAMES = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function listening(): { stop: StopSignal; heard: string[]; hangups: string[] } {
  const heard: string[] = [];
  const hangups: string[] = [];
  const stop = listenForStop(
    (name) => heard.push(name),
    (message) => hangups.push(message),
  );
  onTestFinished(() => stop.dispose());
  return { stop, heard, hangups };
}

const STREAMS = [process.stdin, process.stdout, process.stderr];

function setTerminals(isTTY: boolean): void {
  for (const stream of STREAMS) {
    const before = stream.isTTY;
    stream.isTTY = isTTY;
    onTestFinished(() => void (stream.isTTY = before));
  }
}

const withoutTerminal = (): void => setTerminals(false);

describe('listening for a signal to stop', () => {
  // 128 and the number of the signal: POSIX.1-2017, XCU 2.8.2, as the shells have it.
  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s asks to save and stop, with exit code %d', (name, exitCode) => {
    setTerminals(true);
    const { stop, heard } = listening();
    expect(stop.signal.aborted).toBe(false);
    expect(stop.exitCode()).toBeUndefined();
    process.emit(name);
    expect(heard).toEqual([name]);
    expect(stop.signal.aborted).toBe(true);
    expect(String(stop.signal.reason)).toContain(name);
    expect(stop.exitCode()).toBe(exitCode);
  });

  it('takes a scheduler’s warning for a request, too, and forgives the SIGTERM that follows it', () => {
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    vi.useFakeTimers();
    const heard: string[] = [];
    const stop = listenForStop((name) => heard.push(name), undefined, { warning: 'SIGUSR1' });
    onTestFinished(() => stop.dispose());
    process.emit('SIGUSR1');
    expect([heard, stop.signal.aborted, stop.cause()]).toEqual([['SIGUSR1'], true, 'SIGUSR1']);
    expect(stop.exitCode()).toBe(138); // 128 + 10, SIGUSR1 of Linux on x86 and Arm
    vi.advanceTimersByTime(60_000);
    process.emit('SIGTERM');
    process.emit('SIGUSR1');
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledExactlyOnceWith(138);
  });

  it('goes on after a SIGHUP where no stream is a terminal, and says so', () => {
    withoutTerminal();
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const { stop, heard, hangups } = listening();
    for (let times = 0; times < 3; times++) process.emit('SIGHUP');
    expect(heard).toEqual([]);
    expect(hangups).toHaveLength(3);
    expect(stop.signal.aborted).toBe(false);
    expect(stop.exitCode()).toBeUndefined();
    process.emit('SIGTERM');
    expect(stop.exitCode()).toBe(143);
    process.emit('SIGHUP');
    expect(exit).not.toHaveBeenCalled();
  });

  it('takes what follows at once for an echo, and what comes later for impatience', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    setTerminals(true);
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
