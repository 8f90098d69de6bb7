import * as fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  checkLock,
  lockFolder,
  onLockLost,
  unlockFolder,
} from '../../../src/coordinator/folder/folderLock.js';
import {
  LEASE_RENEWED_EVERY_MS,
  LEASE_STALE_AFTER_MS,
  renewLease,
  watchForeignHolder,
} from '../../../src/coordinator/folder/lockLease.js';
import type { Abandoned } from '../../../src/coordinator/folder/lockLease.js';
import { ownerName, parseOwner } from '../../../src/coordinator/folder/lockOwner.js';
import type { Owner } from '../../../src/coordinator/folder/lockOwner.js';
import { thisProcessSpace } from '../../../src/coordinator/folder/processSpace.js';
import { rejectionOf, thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** A process of another host, which may live or not. */
const AWAY: Owner = {
  pid: 1,
  startTime: '77',
  host: 'pod-a',
  boot: 'cafe',
  pidNamespace: '4026531836',
  leaseMs: LEASE_STALE_AFTER_MS,
};

const fileOf = (folder: string): string => {
  const lock = path.join(folder, 'run.lock');
  return path.join(lock, fs.readdirSync(lock)[0]!);
};
const stampOf = (folder: string): bigint => fs.statSync(fileOf(folder), { bigint: true }).mtimeNs;

function lockedBy(owner: Owner): string {
  const folder = temporaryFolder();
  fs.mkdirSync(path.join(folder, 'run.lock'));
  fs.writeFileSync(path.join(folder, 'run.lock', ownerName(owner)), '');
  return folder;
}

function lock(folder: string, abandoned?: Abandoned): void {
  lockFolder(folder, abandoned);
  onTestFinished(() => unlockFolder(folder));
}

interface Watched {
  readonly found: Promise<Abandoned | undefined>;
  readonly told: readonly string[];
}

/** Watches on a clock of its own; `meanwhile` happens at each look. */
function watch(folder: string, meanwhile: (passedMs: number) => void = () => undefined): Watched {
  let passedMs = 0;
  const told: string[] = [];
  const found = watchForeignHolder(folder, {
    nowMs: () => passedMs,
    onWatch: (who) => told.push(who),
    pause: (durationMs) => {
      passedMs += durationMs;
      meanwhile(passedMs);
      return Promise.resolve();
    },
  });
  return { found, told };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a holder that cannot be seen from here', () => {
  const here = { ...AWAY, ...thisProcessSpace(), pid: process.pid };

  it.each<[string, Owner]>([
    ['of another host', AWAY],
    ['of a host with the same name', { ...here, boot: 'cafe' }],
    ['of another PID namespace, with this very process number', { ...here, pidNamespace: '1' }],
  ])('%s, is refused at once, and may be watched', async (_, owner) => {
    const folder = lockedBy(owner);
    const { message } = thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    expect(message).toMatch(/cannot tell whether it still runs; wait for it, or remove .*run\.lock/);
    const { found, told } = watch(folder);
    expect(await found).toBeDefined();
    expect(told).toEqual([expect.stringContaining(`of host ${owner.host}`)]);
  });

  it('is taken over once its lease has not been renewed for as long as it says', async () => {
    const folder = lockedBy(AWAY);
    let lastLookMs = 0;
    const abandoned = await watch(folder, (passedMs) => (lastLookMs = passedMs)).found;
    expect(lastLookMs).toBeGreaterThanOrEqual(LEASE_STALE_AFTER_MS);
    lock(folder, abandoned);
    expect(parseOwner(path.basename(fileOf(folder)))).toMatchObject({ pid: process.pid, host: hostname() });
  });

  it('keeps its lock if it renews its lease, even at the last moment', async () => {
    const folder = lockedBy(AWAY);
    const { found } = watch(folder, (passedMs) => {
      if (passedMs >= LEASE_STALE_AFTER_MS) renewLease(fileOf(folder));
    });
    expect((await rejectionOf('E_RUN_EXISTS', found)).message).toMatch(
      /pod-a is working in .*; stop it first/,
    );
  });

  it('keeps its lock if it renews its lease after it was watched', async () => {
    const folder = lockedBy(AWAY);
    const abandoned = await watch(folder).found;
    renewLease(fileOf(folder));
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder, abandoned));
  });

  it('is not mistaken for another that has taken the lock meanwhile', async () => {
    const folder = lockedBy(AWAY);
    const abandoned = await watch(folder).found;
    fs.renameSync(fileOf(folder), path.join(folder, 'run.lock', ownerName({ ...AWAY, host: 'pod-b' })));
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder, abandoned));
  });

  it('is not waited for once it has given the lock back', async () => {
    const folder = lockedBy(AWAY);
    const { found } = watch(folder, () =>
      fs.rmSync(path.join(folder, 'run.lock'), { recursive: true, force: true }),
    );
    expect(await found).toBeUndefined();
    lock(folder);
  });

  it('without a lease, as of an older version, is refused until somebody removes the lock', async () => {
    const folder = lockedBy({ ...AWAY, leaseMs: undefined });
    const { message } = await rejectionOf('E_RUN_EXISTS', watch(folder).found);
    expect(message).toContain('remove');
  });

  it('is watched no longer than the user wants', async () => {
    const stop = new AbortController();
    const found = watchForeignHolder(lockedBy(AWAY), {
      signal: stop.signal,
      onWatch: () => stop.abort(new Error('SIGINT')),
    });
    await expect(found).rejects.toThrow('SIGINT');
  });
});

describe('a holder that can be seen, or none', () => {
  it('is not watched', async () => {
    const folder = temporaryFolder();
    expect(await watch(folder).found).toBeUndefined();
    lock(folder);
    expect(await watch(folder).found).toBeUndefined();
  });
});

describe('the lease of this process', () => {
  it('is renewed every few seconds, until the lock is given back', () => {
    vi.useFakeTimers();
    const folder = temporaryFolder();
    lock(folder);
    for (let renewal = 0; renewal < 3; renewal++) {
      const before = stampOf(folder);
      vi.advanceTimersByTime(LEASE_RENEWED_EVERY_MS);
      expect(stampOf(folder)).toBeGreaterThan(before);
    }
    unlockFolder(folder);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not depend on the wall clock', () => {
    vi.useFakeTimers();
    const folder = temporaryFolder();
    lock(folder);
    vi.setSystemTime(0);
    const before = stampOf(folder);
    vi.advanceTimersByTime(LEASE_RENEWED_EVERY_MS);
    expect(stampOf(folder)).toBeGreaterThan(before);
  });

  it.each([
    ['to another', (file: string) => fs.renameSync(file, path.join(path.dirname(file), ownerName(AWAY)))],
    ['to nobody who is still there', (file: string) => fs.rmSync(path.dirname(file), { recursive: true })],
  ])('is lost with the lock, %s, which it learns at the next renewal', (_, take) => {
    vi.useFakeTimers();
    const folder = temporaryFolder();
    lock(folder);
    const lost: string[] = [];
    onLockLost(folder, ({ code }) => lost.push(code));
    checkLock(folder);
    take(fileOf(folder));
    vi.advanceTimersByTime(3 * LEASE_RENEWED_EVERY_MS);
    expect(lost).toEqual(['E_RUN_EXISTS']);
    expect(thrownBy('E_RUN_EXISTS', () => checkLock(folder)).message).toContain('lost its lock');
  });

  it('does not take a lock back that it has lost', () => {
    const folder = temporaryFolder();
    lock(folder);
    const name = ownerName(AWAY);
    fs.renameSync(fileOf(folder), path.join(folder, 'run.lock', name));
    thrownBy('E_RUN_EXISTS', () => checkLock(folder));
    unlockFolder(folder);
    expect(fs.readdirSync(path.join(folder, 'run.lock'))).toEqual([name]);
  });
});

describe('the name of an owner', () => {
  it.each<Owner>([
    AWAY,
    { ...AWAY, host: 'some other/host+boot-1 %zz' },
    { ...AWAY, boot: undefined, pidNamespace: undefined, leaseMs: undefined },
    {
      pid: 3,
      startTime: undefined,
      host: undefined,
      boot: undefined,
      pidNamespace: undefined,
      leaseMs: undefined,
    },
  ])('says all of %j', (owner) => {
    expect(parseOwner(ownerName(owner))).toEqual(owner);
  });

  it('of a host that no version would write is some other host’s', () => {
    const name = 'pid-4 host-%zz 01234567-0123-0123-0123-0123456789ab';
    expect(parseOwner(name)).toMatchObject({ pid: 4, host: '%zz' });
  });

  it('is a foreign host’s to older versions, which did not know of containers', () => {
    const older = /^pid-(\d+)(?: start-(\S+))?(?: host-(\S+))? [0-9a-f-]{36}$/;
    const [, pid, , host] = older.exec(ownerName({ ...AWAY, host: hostname() })) ?? [];
    expect(pid).toBe('1');
    expect(decodeURIComponent(host!)).not.toBe(hostname());
  });
});
