/** Checks whether a process of this host is still the one that it was. */

import { readFileSync } from 'node:fs';
import { isRunning } from '../../foundation/isRunning.js';

/**
 * @param startTime what `startTimeOf` returned for it; undefined if not known
 * @returns false for a zombie, and for a later process with the same number
 */
export function isRunningSince(pid: number, startTime: string | undefined): boolean {
  if (!isRunning(pid)) return false;
  const now = processStatus(pid);
  const isDead = now.state === 'Z' || now.state === 'X';
  return !isDead && (startTime === undefined || now.startTime === undefined || startTime === now.startTime);
}

/** The start time in the system's own units; undefined if the system does not provide it. */
export function startTimeOf(pid: number): string | undefined {
  return processStatus(pid).startTime;
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
