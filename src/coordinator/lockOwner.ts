/** Who holds a lock, as the name of a file. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { startTimeOf } from './processStatus.js';

/** What identifies a process: its number may be given to another one later, its start time not with it. */
export interface Owner {
  readonly pid: number;
  /** Undefined where the system does not tell. */
  readonly startTime: string | undefined;
  /** Process numbers mean nothing on another host. */
  readonly host: string | undefined;
}

/** No two locks have the same name in them, be they of one process. */
export function ownerNameOfThisProcess(): string {
  return ownerName({ pid: process.pid, startTime: startTimeOf(process.pid), host: hostname() });
}

/** @returns such as `pid-4711 start-88231 host-trainer 0f8e…`; known characters only, for every file system */
export function ownerName({ pid, startTime, host }: Owner): string {
  return [
    `pid-${pid}`,
    ...(startTime === undefined ? [] : [`start-${startTime}`]),
    ...(host === undefined ? [] : [`host-${encodeURIComponent(host)}`]),
    randomUUID(),
  ].join(' ');
}

/** Undefined for anything else. */
export function parseOwner(name: string): Owner | undefined {
  const [, pid, startTime, host] =
    /^pid-(\d+)(?: start-(\S+))?(?: host-(\S+))? [0-9a-f-]{36}$/.exec(name) ?? [];
  if (pid === undefined) return undefined;
  return { pid: Number(pid), startTime, host: host === undefined ? undefined : decodeURIComponent(host) };
}

export function describeOwner({ pid, host }: Owner): string {
  return host === undefined ? `process ${pid}` : `process ${pid} of host ${host}`;
}

/** Older versions wrote the owner into a file, as JSON. */
export function readOldLock(file: string): Owner | undefined {
  try {
    const { pid, startTime, host } = JSON.parse(readFileSync(file, 'utf8')) as Owner;
    return Number.isInteger(pid) && pid > 0 ? { pid, startTime, host } : undefined;
  } catch {
    return undefined;
  }
}
