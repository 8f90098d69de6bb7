/** Encodes the owner of a lock as a file name. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { thisProcessSpace } from './processSpace.js';
import type { ProcessSpace } from './processSpace.js';
import { startTimeOf } from './processStatus.js';

/** Identifies a process. A later process may get the same number, but not the same start time. */
export interface Owner extends ProcessSpace {
  readonly pid: number;
  /** Undefined if the system does not provide it. */
  readonly startTime: string | undefined;
  /** The lock is abandoned if its file is not touched for this long; undefined if the owner never touches it. */
  readonly leaseMs: number | undefined;
}

/** A new name on every call, even for the same process. */
export function ownerNameOfThisProcess(leaseMs: number | undefined): string {
  return ownerName({
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    ...thisProcessSpace(),
    leaseMs,
  });
}

/**
 * Fields that newer versions added are part of the host's word: older versions then see another host, and keep out.
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

/** Undefined if the name is not an owner's. */
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

/** A name that cannot be decoded is taken as it is: it belongs to another host. */
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
