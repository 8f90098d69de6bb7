/**
 * Keeps a second process out of a run folder. The lock is a folder with one file, whose name identifies the holder. It is
 * prepared elsewhere and renamed into place, which only one process can do. The lock of a dead process is taken over by
 * renaming its file, which again only one process can do: no two locks contain the same name. So no other process can
 * come in between checking and taking.
 *
 * The holder renews a lease (lockLease.ts), for processes that cannot see it. A holder that was stopped for longer than
 * its lease may have lost the lock, so it checks before it replaces a file or writes a line of metrics.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LockstepError } from '../../foundation/errors.js';
import { advice, OptionError } from '../../foundation/options/optionError.js';
import { ioError } from '../checkpoints/files.js';
import { holderOf, lockOf, refuseIfHeld } from './lockHolder.js';
import type { Holder } from './lockHolder.js';
import {
  canRenewLease,
  isStillAbandoned,
  LEASE_RENEWED_EVERY_MS,
  LEASE_STALE_AFTER_MS,
  renewLease,
} from './lockLease.js';
import type { Abandoned } from './lockLease.js';
import { ownerNameOfThisProcess } from './lockOwner.js';

/** An attempt fails only if another process took or released the lock meanwhile. */
const ATTEMPTS = 20;

interface Held {
  /** The name of the owner's file. */
  readonly name: string;
  /** Set when the lock is known to be lost. */
  lost: LockstepError | undefined;
  readonly renewal: NodeJS.Timeout;
  onLost: (error: LockstepError) => void;
}

/** The locks that this process holds, by path. */
const held = new Map<string, Held>();

/**
 * @param abandoned a foreign holder whose lease has expired: its lock may be taken over
 * @throws LockstepError E_RUN_EXISTS while another process or host holds it, E_IO if it cannot be made
 */
export function lockFolder(folder: string, abandoned?: Abandoned): void {
  const lock = lockOf(folder);
  const name = acquire(lock, abandoned);
  const renewal = setInterval(() => void isStillHeld(lock), LEASE_RENEWED_EVERY_MS);
  renewal.unref();
  held.set(lock, { name, lost: undefined, renewal, onLost: () => undefined });
}

/** @throws LockstepError E_RUN_EXISTS while another process or host, or an open run of this one, works in the folder */
export function refuseIfLocked(folder: string, abandoned?: Abandoned): void {
  const lock = lockOf(folder);
  const holder = holderOf(lock);
  if (holder) refuseUnlessAbandoned(lock, holder, abandoned);
}

/** Whether the folder has a lock. Its owner may be dead. */
export function hasLock(folder: string): boolean {
  return holderOf(lockOf(folder)) !== undefined;
}

/** Calls `listener` once when this process has lost its lock; at once if it already has. */
export function onLockLost(folder: string, listener: (error: LockstepError) => void): void {
  const own = held.get(lockOf(folder));
  if (!own) return;
  if (own.lost) listener(own.lost);
  else own.onLost = listener;
}

/**
 * Checks whether this process still holds its lock, and renews the lease.
 * @throws LockstepError E_RUN_EXISTS if another has it now
 */
export function checkLock(folder: string): void {
  const own = held.get(lockOf(folder));
  if (own && !isStillHeld(lockOf(folder))) throw own.lost!;
}

/** Whether this process still holds its lock; renews the lease. */
export function holdsLock(folder: string): boolean {
  return isStillHeld(lockOf(folder));
}

/**
 * Releases the lock; does nothing if this process does not hold it. A lock that cannot be removed, for example on a disk that
 * has become read-only, is later taken over like that of a dead process.
 */
export function unlockFolder(folder: string): void {
  const lock = lockOf(folder);
  const own = held.get(lock);
  held.delete(lock);
  if (own === undefined) return;
  clearInterval(own.renewal);
  try {
    rmSync(path.join(lock, own.name), { force: true });
  } catch {
    return; // the run's own outcome matters more than this error
  }
  removeIfEmpty(lock); // not empty if another process has just taken it
}

/** @returns the name of the owner's file */
function acquire(lock: string, abandoned?: Abandoned): string {
  const name = ownerNameOfThisProcess(LEASE_STALE_AFTER_MS);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const holder = holderOf(lock);
    if (holder) refuseUnlessAbandoned(lock, holder, abandoned);
    if (holder ? takeOver(lock, holder, name) : take(lock, name)) return withoutLeaseIfNotKept(lock, name);
  }
  throw new OptionError(
    [`other processes keep taking ${lock}`],
    [advice('wait for them'), advice('choose another ', { option: 'runDir' })],
    'E_RUN_EXISTS',
  );
}

/** Drops the lease if the file system does not store its time: the lock would look abandoned while its holder works. */
function withoutLeaseIfNotKept(lock: string, name: string): string {
  const file = path.join(lock, name);
  if (canRenewLease(file)) return name;
  const withoutLease = ownerNameOfThisProcess(undefined);
  try {
    renameSync(file, path.join(lock, withoutLease));
    return withoutLease;
  } catch (error) {
    throw ioError(lock, error);
  }
}

/**
 * Renews the lease. A lock that no longer exists is lost too: another process may have taken it over, gone on with the run
 * and ended. How long this process was stopped cannot be measured if the whole machine was.
 */
function isStillHeld(lock: string): boolean {
  const own = held.get(lock);
  if (!own || own.lost) return false;
  try {
    renewLease(path.join(lock, own.name));
    return true;
  } catch (error) {
    // While a disk is full or read-only, the lease cannot be renewed, but no process can take the lock over either.
    if (codeOf(error) !== 'ENOENT' || !isDirectory(path.dirname(lock))) return true;
  }
  own.lost = new OptionError(
    [
      `this process has lost its lock on ${path.dirname(lock)}: another process took it over after ` +
        `${LEASE_STALE_AFTER_MS / 1000} s without a renewal, or it was removed. Nothing was saved since`,
    ],
    [
      advice('check whether the run continues elsewhere, and if not, continue it with ', {
        option: 'resume',
        value: path.dirname(lock),
      }),
    ],
    'E_RUN_EXISTS',
  );
  own.onLost(own.lost);
  return false;
}

function refuseUnlessAbandoned(lock: string, holder: Holder, abandoned: Abandoned | undefined): void {
  const isFound = holder.kind === 'owner' && holder.name === abandoned?.name;
  if (isFound && isStillAbandoned(lock, abandoned)) return;
  const own = held.get(lock);
  refuseIfHeld(lock, holder, own !== undefined && own.lost === undefined);
}

/** @returns false if there is a lock already */
function take(lock: string, name: string): boolean {
  const prepared = `${lock}.${randomUUID()}.tmp`;
  try {
    mkdirSync(prepared);
    writeFileSync(path.join(prepared, name), '');
    renameSync(prepared, lock); // replaces nothing but an empty folder
    return true;
  } catch (error) {
    if (
      !['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EPERM'].includes(codeOf(error) ?? '') ||
      !isDirectory(prepared)
    ) {
      throw ioError(lock, error);
    }
    removeIfEmpty(lock); // a rename does not replace an empty folder on Windows
    return false;
  } finally {
    rmSync(prepared, { recursive: true, force: true });
  }
}

/** @returns false if another process was faster */
function takeOver(lock: string, holder: Holder, name: string): boolean {
  try {
    if (holder.kind === 'owner') renameSync(path.join(lock, holder.name), path.join(lock, name));
    else unlinkSync(lock); // fails if it is a folder by now; it still has to be taken
    return holder.kind === 'owner';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'EPERM'].includes(codeOf(error) ?? '')) return false;
    throw ioError(lock, error);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or gone: either way it belongs to another process.
  }
}

function isDirectory(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
