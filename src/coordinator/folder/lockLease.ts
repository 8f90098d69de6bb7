/**
 * The lease on a lock: its holder touches the lock's file every few seconds. A process on another host or in another
 * container, which cannot see the holder, watches the file: if its time does not change for long enough, the holder is
 * gone. The observer measures changes with its own monotonic clock; the clocks of two hosts are never compared.
 */

import { closeSync, fstatSync, openSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { LockstepError } from '../../foundation/errors.js';
import { describeOwner, holderOf, isForeign, lockOf, refuseIfHeld } from './lockHolder.js';
import type { ForeignHolder } from './lockHolder.js';

export const LEASE_RENEWED_EVERY_MS = 5_000;
/** By then six renewals in a row have failed, or the process was stopped. */
export const LEASE_STALE_AFTER_MS = 30_000;
const LOOKS_PER_LEASE = 30;

/** Sets the file's time to now. Does not create the file. */
export function renewLease(file: string): void {
  const now = new Date(performance.timeOrigin + performance.now()); // never goes backwards
  utimesSync(file, now, now);
}

/** Whether the file system stores the time of a renewal. */
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

/** The file's time, by its host's clock. Opens the file, so that a network file system asks its server. */
function leaseStampOf(file: string): bigint {
  const descriptor = openSync(file, 'r');
  try {
    return fstatSync(descriptor, { bigint: true }).mtimeNs;
  } finally {
    closeSync(descriptor);
  }
}

/** A holder that did not renew its lease while it was watched. */
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
  /** Called once, if there is a holder to watch. */
  readonly onWatch?: (who: string, forMs: number) => void;
  readonly nowMs?: () => number;
  readonly pause?: (durationMs: number) => Promise<void>;
}

/**
 * Watches the lock of a folder while a process of another host or container holds it.
 * @returns the holder if it is gone; undefined if the lock is free, or its holder is visible from here
 * @throws LockstepError E_RUN_EXISTS if the holder lives, or has no lease; the reason of `signal` if it is aborted
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
    if (now === undefined) return undefined; // released, or taken over by another process
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
