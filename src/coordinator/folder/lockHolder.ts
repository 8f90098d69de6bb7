/** Who holds the lock of a folder, and whether that process still runs. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '../../foundation/errors.js';
import { ioError } from '../checkpoints/files.js';
import { parseOwner, readOldLock } from './lockOwner.js';
import type { Owner } from './lockOwner.js';
import { isSameSpace, thisProcessSpace } from './processSpace.js';
import { isRunningSince } from './processStatus.js';

/** The process that holds the lock, or held it until it died. */
export type Holder =
  | { readonly kind: 'owner'; readonly name: string; readonly owner: Owner | undefined }
  /** A lock of an old version: a file. */
  | { readonly kind: 'old'; readonly owner: Owner | undefined };

/** A holder on another host, or in another container: this process cannot see whether it runs. */
export interface ForeignHolder {
  readonly kind: 'owner';
  readonly name: string;
  readonly owner: Owner;
}

export function lockOf(folder: string): string {
  return path.resolve(folder, 'run.lock');
}

/** Undefined if the lock is free: it does not exist, or is an empty folder because it is being released. */
export function holderOf(lock: string): Holder | undefined {
  try {
    const holders = readdirSync(lock).map(
      (name) => ({ kind: 'owner', name, owner: parseOwner(name) }) as const,
    );
    return holders.find(({ owner }) => owner) ?? holders[0]; // other files do not identify a holder
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') {
      return isFile(lock) ? { kind: 'old', owner: readOldLock(lock) } : undefined;
    }
    throw ioError(lock, error);
  }
}

export function isForeign(holder: Holder): holder is ForeignHolder {
  return holder.owner !== undefined && !isSameSpace(holder.owner, thisProcessSpace());
}

/**
 * @param isHeldHere whether this very process holds the lock
 * @throws LockstepError E_RUN_EXISTS unless the holder is known to be gone
 */
export function refuseIfHeld(lock: string, holder: Holder, isHeldHere: boolean): void {
  const { owner } = holder;
  if (!owner) return; // damaged by a crash, or not made by Lockstep: nobody holds it
  if (isForeign(holder)) throw foreignError(lock, owner);
  if (!isStillRunning(owner, isHeldHere)) return;
  throw new LockstepError(
    'E_RUN_EXISTS',
    `process ${owner.pid} is working in ${path.dirname(lock)}; wait for it, or remove ${lock} if it is not Lockstep`,
  );
}

export function isStillRunning({ pid, startTime }: Owner, isHeldHere: boolean): boolean {
  if (pid === process.pid) return isHeldHere; // otherwise an earlier process had the same number
  return isRunningSince(pid, startTime);
}

function foreignError(lock: string, owner: Owner): LockstepError {
  return new LockstepError(
    'E_RUN_EXISTS',
    `${describeOwner(owner)} has locked ${path.dirname(lock)}, and ${thisPlace()} cannot tell whether it still runs; ` +
      `wait for it, or remove ${lock} if it is gone`,
  );
}

/** Such as `process 1 of host trainer, in another PID namespace`. */
export function describeOwner(owner: Owner): string {
  const { pid, host } = owner;
  if (host === undefined) return `process ${pid}`;
  const here = thisProcessSpace();
  const where =
    host !== here.host ? '' : isSameBoot(owner) ? ', in another PID namespace,' : ', of another boot,';
  return `process ${pid} of host ${host}${where}`;
}

function isSameBoot({ boot }: Owner): boolean {
  return boot === undefined || boot === thisProcessSpace().boot;
}

function thisPlace(): string {
  return `this process of host ${thisProcessSpace().host}`;
}

function isFile(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false; // the parent is a file
  }
}
