/**
 * Keeps a second process out of a run folder. The lock is made whole and taken by linking it to its name, which only
 * one process can do; one whose process is gone is taken over.
 */

import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { LockstepError } from '../foundation/errors.js';
import { ioError } from './files.js';
import { isRunning, startTimeOf } from './processStatus.js';

const LOCK = 'run.lock';
/** Each is lost only to another process that took or left the lock meanwhile. */
const ATTEMPTS = 5;

/** What identifies a process: its number may be given to another one later, its start time not with it. */
interface Owner {
  readonly pid: number;
  /** Undefined where the system does not tell. */
  readonly startTime: string | undefined;
  /** Process numbers mean nothing on another host. */
  readonly host: string | undefined;
}

/** The locks that this process holds: path to content. */
const held = new Map<string, string>();

/** @throws LockstepError E_RUN_EXISTS while another process or host holds it, E_IO if it cannot be made */
export function lockFolder(folder: string): void {
  const file = lockFileOf(folder);
  const content = JSON.stringify(thisProcess());
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (take(file, content)) {
      held.set(file, content);
      return;
    }
    const found = contentOf(file);
    if (found === undefined) continue; // given back meanwhile
    refuseIfHeld(file, found);
    setAside(file, found);
  }
  throw new LockstepError(
    'E_RUN_EXISTS',
    `other processes keep taking ${file}; wait for them, or choose another --run-dir`,
  );
}

/** @throws LockstepError E_RUN_EXISTS while another process or host, or an open run of this one, works in the folder */
export function refuseIfLocked(folder: string): void {
  const file = lockFileOf(folder);
  const found = contentOf(file);
  if (found !== undefined) refuseIfHeld(file, found);
}

/** Whether a lock lies there, be its owner alive or not. */
export function hasLock(folder: string): boolean {
  return contentOf(lockFileOf(folder)) !== undefined;
}

/** Gives the lock back; does nothing if this process does not hold it. */
export function unlockFolder(folder: string): void {
  const file = lockFileOf(folder);
  const own = held.get(file);
  held.delete(file);
  if (own !== undefined && contentOf(file) === own) rmSync(file, { force: true });
}

function lockFileOf(folder: string): string {
  return path.resolve(folder, LOCK);
}

/** @returns false if there is a lock already */
function take(file: string, content: string): boolean {
  // Not named after the process alone: two hosts or containers may share the folder and have equal numbers.
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, content);
    linkOrWrite(temporary, file, content);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw ioError(file, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function linkOrWrite(temporary: string, file: string, content: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) throw error;
    writeFileSync(file, content, { flag: 'wx' }); // no links here, as on FAT: taken as a whole, not written so
  }
}

/** Removes the lock that was judged to be nobody's, and no other that has come into its place since. */
function setAside(file: string, judged: string): void {
  const aside = `${file}.${randomUUID()}.tmp`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return; // another process was faster
    throw ioError(file, error);
  }
  try {
    if (contentOf(aside) !== judged) linkOrWrite(aside, file, contentOf(aside) ?? '');
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw ioError(file, error);
  } finally {
    rmSync(aside, { force: true });
  }
}

function refuseIfHeld(file: string, content: string): void {
  const owner = parseOwner(content);
  if (!owner) return; // torn by a crash while it was written: nobody holds it
  const folder = path.dirname(file);
  if (owner.host !== undefined && owner.host !== hostname()) {
    throw new LockstepError(
      'E_RUN_EXISTS',
      `process ${owner.pid} of host ${owner.host} has locked ${folder}, and this host, ${hostname()}, cannot tell ` +
        `whether it still runs; wait for it, or remove ${file} if it is gone`,
    );
  }
  if (!isStillRunning(owner, file)) return;
  throw new LockstepError(
    'E_RUN_EXISTS',
    `process ${owner.pid} is working in ${folder}; wait for it, or remove ${file} if it is not Lockstep`,
  );
}

function isStillRunning({ pid, startTime }: Owner, file: string): boolean {
  if (pid === process.pid) return held.has(file); // else an earlier process had the same number
  return isRunning(pid, startTime);
}

function thisProcess(): Owner {
  return { pid: process.pid, startTime: startTimeOf(process.pid), host: hostname() };
}

function parseOwner(content: string): Owner | undefined {
  try {
    const { pid, startTime, host } = JSON.parse(content) as Owner;
    return Number.isInteger(pid) && pid > 0 ? { pid, startTime, host } : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined if the file is not there. */
function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw ioError(file, error);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
