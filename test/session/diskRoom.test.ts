import { describe, expect, it } from 'vitest';
import { whenThereIsRoom } from '../../src/session/diskRoom.js';
import { ioError } from '../../src/coordinator/index.js';
import { rejectionOf } from '../support/errors.js';

const failure = (code: string): Error => ioError('run.lock', Object.assign(new Error(code), { code }));
const never = new AbortController().signal;

describe('what needs room on the disk', () => {
  it('is tried until there is some, with one notice', async () => {
    const told: string[] = [];
    let attempts = 0;
    const outcome = await whenThereIsRoom(
      () =>
        ++attempts < 4
          ? Promise.reject(failure(attempts === 1 ? 'ENOSPC' : 'EDQUOT'))
          : Promise.resolve(attempts),
      { onFull: ({ message }) => told.push(message), signal: never, pause: () => Promise.resolve() },
    );
    expect(outcome).toBe(4);
    expect(told).toEqual([expect.stringContaining('free some disk space')]);
  });

  it('fails for any other reason at once', async () => {
    const onFull = (): never => expect.fail();
    await rejectionOf(
      'E_IO',
      whenThereIsRoom(() => Promise.reject(failure('EACCES')), { onFull, signal: never }),
    );
    await expect(
      whenThereIsRoom(() => Promise.reject(new Error('a bug')), { onFull, signal: never }),
    ).rejects.toThrow('a bug');
  });

  it('is given up when the user stops', async () => {
    const stop = new AbortController();
    const outcome = whenThereIsRoom(() => Promise.reject(failure('ENOSPC')), {
      onFull: () => stop.abort(new Error('SIGINT')),
      signal: stop.signal,
    });
    await expect(outcome).rejects.toThrow('SIGINT');
  });
});
