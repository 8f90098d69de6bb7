/**
 * The space in which process numbers are unique: one PID namespace (each container has its own), of one boot of one host.
 * Containers that share a folder often have equal host names, and each has a process 1.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessSpace {
  /** Undefined in locks of the oldest version. */
  readonly host: string | undefined;
  /** Undefined if the system does not provide it, and in locks of older versions; likewise below. */
  readonly boot: string | undefined;
  readonly pidNamespace: string | undefined;
}

/** Digits kept of the boot's random number: enough to tell two boots apart. */
const BOOT_DIGITS = 16;

/** The space of this process. */
export function thisProcessSpace(): ProcessSpace {
  return { host: hostname(), boot: bootId(), pidNamespace: pidNamespace() };
}

/** Whether a process number means the same process in both spaces, as far as is known. */
export function isSameSpace(one: ProcessSpace, other: ProcessSpace): boolean {
  return (['host', 'boot', 'pidNamespace'] as const).every(
    (key) => one[key] === undefined || other[key] === undefined || one[key] === other[key],
  );
}

/** Linux, random(4). */
function bootId(): string | undefined {
  try {
    const digits = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replace(/[^0-9a-f]/g, '');
    return digits.slice(0, BOOT_DIGITS) || undefined;
  } catch {
    return undefined;
  }
}

/** Linux, namespaces(7): the link reads `pid:[4026531836]`. */
function pidNamespace(): string | undefined {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
  } catch {
    return undefined;
  }
}
