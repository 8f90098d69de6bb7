/** Who holds a lock, as the name of a file. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { thisProcessSpace } from './processSpace.js';
import type { ProcessSpace } from './processSpace.js';
import { startTimeOf } from './processStatus.js';

/** What identifies a process: its number may be given to another one later, its start time not with it. */
export interface Owner extends ProcessSpace {
  readonly pid: number;
  /** Undefined where the system does not tell. */
  readonly startTime: string | undefined;
  /** The lock's file is touched so often that it is abandoned after so long without; undefined if it is not touched. */
  readonly leaseMs: number | undefined;
}

/** No two locks have the same name in them, be they of one process. */
export function ownerNameOfThisProcess(leaseMs: number | undefined): string {
  return ownerName({
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    ...thisProcessSpace(),
    leaseMs,
  });
}

/**
 * What came later than the host stands in one word with it: older versions then see a foreign host, and keep away.
 * @returns such as `pid-4711 start-88231 host-trainer+boot-41f9…+ns-4026531836+lease-30000 0f8e…`; known characters only,
 *   for every file system
 */
export function ownerName({ pid, startTime, host, boot, pidNamespace, leaseMs }: Owner): string {
  const place = [
    ...(boot === undefined ? [] : [`+boot-${boot}`]),
    ...(pidNamespace === undefined ? [] : [`+ns-${pidNamespace}`]),
    ...(leaseMs === undefined ? [] : [`+lease-${leaseMs}`]),
  ].join('');
  return [
    `pid-${pid}`,
    ...(startTime === undefined ? [] : [`start-${startTime}`]),
    ...(host === undefined ? [] : [`host-${encodeURIComponent(host)}${place}`]),
    randomUUID(),
  ].join(' ');
}

const NAME =
  /^pid-(\d{1,10})(?: start-(\S+))?(?: host-([^\s+]+)(?:\+boot-([0-9a-f]+))?(?:\+ns-(\d+))?(?:\+lease-(\d{1,6}))?)? [0-9a-f-]{36}$/;

/** Undefined for anything else. */
export function parseOwner(name: string): Owner | undefined {
  const [, pid, startTime, host, boot, pidNamespace, leaseMs] = NAME.exec(name) ?? [];
  if (pid === undefined) return undefined;
  return {
    pid: Number(pid),
    startTime,
    host: host === undefined ? undefined : decoded(host),
    boot,
    pidNamespace,
    leaseMs: leaseMs === undefined ? undefined : Number(leaseMs),
  };
}

/** A name that no version wrote is taken as it is: it is some other host's. */
function decoded(host: string): string {
  try {
    return decodeURIComponent(host);
  } catch {
    return host;
  }
}

/** Older versions wrote the owner into a file, as JSON. */
export function readOldLock(file: string): Owner | undefined {
  try {
    const { pid, startTime, host } = JSON.parse(readFileSync(file, 'utf8')) as Owner;
    if (!Number.isInteger(pid) || pid <= 0) return undefined;
    return { pid, startTime, host, boot: undefined, pidNamespace: undefined, leaseMs: undefined };
  } catch {
    return undefined;
  }
}
