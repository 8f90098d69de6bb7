/** Whether a process works in a run folder right now, for those who only look at it. Takes no lock and changes nothing. */

import { statSync } from 'node:fs';
import path from 'node:path';
import { holderOf, isForeign, isStillRunning, lockOf } from './lockHolder.js';

/**
 * `free`: nobody. `working`: a process of this host, or one elsewhere that keeps renewing its lease. `unknown`: a lock
 * whose owner cannot be seen from here and renews no lease.
 */
export type Occupancy = 'free' | 'working' | 'unknown';

/** @throws LockstepError E_IO if the lock cannot be read */
export function occupancyOf(folder: string): Occupancy {
  const lock = lockOf(folder);
  const holder = holderOf(lock);
  if (holder?.owner === undefined) return 'free';
  if (!isForeign(holder)) return isStillRunning(holder.owner, true) ? 'working' : 'free';
  return isLeaseFresh(path.join(lock, holder.name), holder.owner.leaseMs) ? 'working' : 'unknown';
}

function isLeaseFresh(file: string, leaseMs: number | undefined): boolean {
  if (leaseMs === undefined) return false;
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs < leaseMs;
}
