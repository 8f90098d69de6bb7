/**
 * Keeps a second process out of a run folder. The lock is a folder with one file, whose name says who holds it. It is
 * made whole and renamed to its place, which only one process can do; one whose process is gone is taken over by
 * renaming that file, which only one process can do either, for no two locks have the same name in them. So there is
 * no moment between looking and taking in which another could come in.
 */

import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { LockstepError } from '../foundation/errors.js';
import { ioError } from './files.js';
import { describeOwner, ownerNameOfThisProcess, parseOwner, readOldLock } from './lockOwner.js';
import type { Owner } from './lockOwner.js';
import { isRunning } from './processStatus.js';

const LOCK = 'run.lock';
/** Each is lost only to another process that took or left the lock meanwhile. */
const ATTEMPTS = 20;

/** The locks that this process holds: path of the lock to name of the owner's file. */
const held = new Map<string, string>();

/** @throws LockstepError E_RUN_EXISTS while another process or host holds it, E_IO if it cannot be made */
export function lockFolder(folder: string): void {
  const lock = lockOf(folder);
  const name = ownerNameOfThisProcess();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const holder = holderOf(lock);
    if (holder) refuseIfHeld(lock, holder);
    if (holder ? takeOver(lock, holder, name) : take(lock, name)) {
      held.set(lock, name);
      return;
    }
  }
  throw new LockstepError(
    'E_RUN_EXISTS',
    `other processes keep taking ${lock}; wait for them, or choose another --run-dir`,
  );
}

/** @throws LockstepError E_RUN_EXISTS while another process or host, or an open run of this one, works in the folder */
export function refuseIfLocked(folder: string): void {
  const lock = lockOf(folder);
  const holder = holderOf(lock);
  if (holder) refuseIfHeld(lock, holder);
}

/** Whether a lock lies there, be its owner alive or not. */
export function hasLock(folder: string): boolean {
  return holderOf(lockOf(folder)) !== undefined;
}

/**
 * Gives the lock back; does nothing if this process does not hold it. One that cannot be removed, on a disk that has
 * become read-only say, is no more than the lock of a process that is gone: whoever comes next takes it over.
 */
export function unlockFolder(folder: string): void {
  const lock = lockOf(folder);
  const name = held.get(lock);
  held.delete(lock);
  if (name === undefined) return;
  try {
    rmSync(path.join(lock, name), { force: true });
  } catch {
    return; // what the run has to say of its end matters more
  }
  removeIfEmpty(lock); // it is not if another has taken it just now
}

function lockOf(folder: string): string {
  return path.resolve(folder, LOCK);
}

/** Someone who holds the lock, or held it until he died. */
type Holder =
  | { readonly kind: 'owner'; readonly name: string; readonly owner: Owner | undefined }
  /** Of a version that made the lock a file. */
  | { readonly kind: 'old'; readonly owner: Owner | undefined };

/** Undefined if it is free: not there, or left empty in the midst of being given back. */
function holderOf(lock: string): Holder | undefined {
  try {
    const holders = readdirSync(lock).map(
      (name) => ({ kind: 'owner', name, owner: parseOwner(name) }) as const,
    );
    return holders.find(({ owner }) => owner) ?? holders[0]; // what else may lie there is nobody's
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ENOTDIR') {
      return isFile(lock) ? { kind: 'old', owner: readOldLock(lock) } : undefined;
    }
    throw ioError(lock, error);
  }
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
    removeIfEmpty(lock); // where a rename does not replace an empty folder, as on Windows
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

function refuseIfHeld(lock: string, { owner }: Holder): void {
  if (!owner) return; // torn by a crash while it was written, or not a lock of ours: nobody holds it
  const folder = path.dirname(lock);
  if (owner.host !== undefined && owner.host !== hostname()) {
    throw new LockstepError(
      'E_RUN_EXISTS',
      `${describeOwner(owner)} has locked ${folder}, and this host, ${hostname()}, cannot tell ` +
        `whether it still runs; wait for it, or remove ${lock} if it is gone`,
    );
  }
  if (!isStillRunning(owner, lock)) return;
  throw new LockstepError(
    'E_RUN_EXISTS',
    `process ${owner.pid} is working in ${folder}; wait for it, or remove ${lock} if it is not Lockstep`,
  );
}

function isStillRunning({ pid, startTime }: Owner, lock: string): boolean {
  if (pid === process.pid) return held.has(lock); // else an earlier process had the same number
  return isRunning(pid, startTime);
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or gone: either way it is another's.
  }
}

function isDirectory(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false; // below a file there is nothing
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
