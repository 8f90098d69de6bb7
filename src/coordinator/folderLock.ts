/** Keeps a second process out of a run folder. A lock whose process is gone is taken over. */

import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '../foundation/errors.js';
import { ioError } from './files.js';

const LOCK = 'run.lock';

/** What identifies a process: its number may be given to another one later, its start time not with it. */
interface Owner {
  readonly pid: number;
  /** Undefined where the system does not tell. */
  readonly startTime: string | undefined;
}

/** @throws LockstepError E_RUN_EXISTS while another process holds it, E_IO if it cannot be made */
export function lockFolder(folder: string): void {
  const file = path.join(folder, LOCK);
  for (const attempt of [1, 2]) {
    try {
      const handle = openSync(file, 'wx');
      writeSync(handle, JSON.stringify(ownerOf(process.pid)));
      closeSync(handle);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw ioError(file, error);
    }
    const owner = readOwner(file);
    if (attempt === 2 || (owner && isStillRunning(owner))) {
      throw new LockstepError(
        'E_RUN_EXISTS',
        `process ${owner?.pid ?? 'unknown'} is working in ${folder}; wait for it, or remove ${file} if it is not Lockstep`,
      );
    }
    rmSync(file, { force: true });
  }
}

export function unlockFolder(folder: string): void {
  rmSync(path.join(folder, LOCK), { force: true });
}

function readOwner(file: string): Owner | undefined {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(file, 'utf8')) as Owner;
    return Number.isInteger(pid) && pid > 0 ? { pid, startTime } : undefined;
  } catch {
    return undefined; // torn by a crash while it was written: nobody holds it
  }
}

function isStillRunning(owner: Owner): boolean {
  if (owner.pid === process.pid) return false; // this process holds no lock yet: an earlier one had the same number
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const { state, startTime } = processStatus(owner.pid);
  const isDead = state === 'Z' || state === 'X';
  return (
    !isDead && (owner.startTime === undefined || startTime === undefined || owner.startTime === startTime)
  );
}

function ownerOf(pid: number): Owner {
  return { pid, startTime: processStatus(pid).startTime };
}

/** From /proc/PID/stat (Linux, proc(5)): the state is its third field, the start time its 22nd. */
function processStatus(pid: number): { state?: string | undefined; startTime?: string | undefined } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the second field may hold spaces
    return { state: fields[0], startTime: fields[19] };
  } catch {
    return {};
  }
}
