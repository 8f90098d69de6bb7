/**
 * A lease on a lock: its holder touches the lock's file every few seconds. Who cannot see the holder's process, from
 * another host or container, watches the file: if its time does not change for long enough, the holder is gone. Only
 * changes are observed, and timed by the observer's monotonic clock; the clocks of two hosts are never compared.
 */

import { closeSync, fstatSync, openSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { LockstepError } from '../../foundation/errors.js';
import { describeOwner, holderOf, isForeign, lockOf, refuseIfHeld } from './lockHolder.js';
import type { ForeignHolder } from './lockHolder.js';

export const LEASE_RENEWED_EVERY_MS = 5_000;
/** Six renewals in a row have failed by then, or the process has stood still. */
export const LEASE_STALE_AFTER_MS = 30_000;
const LOOKS_PER_LEASE = 30;

/** Moves the file's time forward, and no file into its place. */
export function renewLease(file: string): void {
  const now = new Date(performance.timeOrigin + performance.now()); // which never goes back
  utimesSync(file, now, now);
}

/** Whether the file system keeps what a renewal says. */
export function canRenewLease(file: string): boolean {
  try {
    utimesSync(file, 1, 1);
    const before = leaseStampOf(file);
    renewLease(file);
    return leaseStampOf(file) !== before;
  } catch {
    return false;
  }
}

/** When the file was touched last, by its host's clock. Opened, so that a network file system asks its server. */
function leaseStampOf(file: string): bigint {
  const descriptor = openSync(file, 'r');
  try {
    return fstatSync(descriptor, { bigint: true }).mtimeNs;
  } finally {
    closeSync(descriptor);
  }
}

/** A holder that was watched, and did not renew its lease. */
export interface Abandoned {
  readonly name: string;
  readonly stamp: bigint;
}

/** Whether the lock is still as it was when it was found abandoned. */
export function isStillAbandoned(lock: string, { name, stamp }: Abandoned): boolean {
  try {
    return leaseStampOf(path.join(lock, name)) === stamp;
  } catch {
    return false;
  }
}

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** Told once, if there is somebody to watch. */
  readonly onWatch?: (who: string, forMs: number) => void;
  readonly nowMs?: () => number;
  readonly pause?: (durationMs: number) => Promise<void>;
}

/**
 * Watches the lock of a folder while a process holds it that cannot be seen from here.
 * @returns the holder if it is gone; undefined if the lock is free, or its holder can be seen
 * @throws LockstepError E_RUN_EXISTS if the holder lives, or has no lease; what `signal` says when aborted
 */
export async function watchForeignHolder(
  folder: string,
  options: WatchOptions = {},
): Promise<Abandoned | undefined> {
  const lock = lockOf(folder);
  const holder = holderOf(lock);
  if (!holder || !isForeign(holder)) return undefined;
  const { leaseMs } = holder.owner;
  if (leaseMs === undefined) refuseIfHeld(lock, holder, false);
  return watchLease(lock, holder, { ...options, leaseMs: leaseMs ?? 0 });
}

async function watchLease(
  lock: string,
  { name, owner }: ForeignHolder,
  {
    leaseMs,
    signal,
    onWatch,
    nowMs = () => performance.now(),
    ...options
  }: WatchOptions & { leaseMs: number },
): Promise<Abandoned | undefined> {
  const { pause = (durationMs: number) => setTimeout(durationMs, undefined, { signal }) } = options;
  const look = (): bigint | undefined => stampIfThere(path.join(lock, name));
  const stamp = look();
  const sinceMs = nowMs();
  if (stamp === undefined) return undefined;
  onWatch?.(describeOwner(owner), leaseMs);
  for (;;) {
    await pause(leaseMs / LOOKS_PER_LEASE).catch((error: unknown) => {
      throw signal?.aborted === true ? signal.reason : error;
    });
    const now = look();
    if (now === undefined) return undefined; // given back, or another has taken it over
    if (now !== stamp) throw renewedError(lock, { name, owner });
    if (nowMs() - sinceMs >= leaseMs) return { name, stamp };
  }
}

function stampIfThere(file: string): bigint | undefined {
  try {
    return leaseStampOf(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function renewedError(lock: string, { owner }: Pick<ForeignHolder, 'name' | 'owner'>): LockstepError {
  return new LockstepError(
    'E_RUN_EXISTS',
    `${describeOwner(owner)} is working in ${path.dirname(lock)}: it has renewed its lease just now; stop it first`,
  );
}
