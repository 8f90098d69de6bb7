import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HangWatch } from '../../src/worker/hangWatch.js';

const LIMITS = { leastMs: 60_000, firstMs: 900_000, slowestFactor: 20, tickMs: 1000 };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const takes = (durationMs: number): Promise<string> =>
  new Promise((resolve) => setTimeout(() => resolve('done'), durationMs));
const never = (): Promise<never> => new Promise(() => undefined);

async function finishedOne(watch: HangWatch, durationMs: number): Promise<void> {
  const done = watch.follow(takes(durationMs), () => expect.fail('it has not hung'));
  await vi.advanceTimersByTimeAsync(durationMs);
  expect(await done).toBe('done');
}

describe('an item hangs', () => {
  it('after a minute, where items take no time', async () => {
    const watch = new HangWatch(LIMITS);
    await finishedOne(watch, 10);
    const onHang = vi.fn();
    void watch.follow(never(), onHang);
    vi.advanceTimersByTime(59_000);
    expect(onHang).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(onHang).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1e6);
    expect(onHang).toHaveBeenCalledOnce();
  });

  it('after twenty times what the slowest took, where they take long', async () => {
    const watch = new HangWatch(LIMITS);
    await finishedOne(watch, 30_000);
    await finishedOne(watch, 10);
    const onHang = vi.fn();
    void watch.follow(never(), onHang);
    vi.advanceTimersByTime(599_000);
    expect(onHang).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(onHang).toHaveBeenCalledOnce();
  });

  it('after a quarter of an hour, where none has been finished yet', () => {
    const onHang = vi.fn();
    void new HangWatch(LIMITS).follow(never(), onHang);
    vi.advanceTimersByTime(899_000);
    expect(onHang).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(onHang).toHaveBeenCalledOnce();
  });
});

describe('an item does not hang', () => {
  it('because the whole process was stopped for hours', async () => {
    const watch = new HangWatch(LIMITS);
    await finishedOne(watch, 10);
    const onHang = vi.fn();
    void watch.follow(never(), onHang);
    vi.advanceTimersByTime(10_000);
    const realNow = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => realNow() + 7_200_000);
    vi.advanceTimersByTime(40_000);
    expect(onHang).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it('once it is over; and nothing ticks any more', async () => {
    const watch = new HangWatch(LIMITS);
    await finishedOne(watch, 10);
    await expect(watch.follow(Promise.reject(new Error('no')), () => expect.fail())).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
  });
});
