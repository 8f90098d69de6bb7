/** A supervised process's side: it tells its supervisor how it fares, and does not outlive it. */

import type { ErrorCode } from '../../../foundation/errors.js';

export const SUPERVISED_VARIABLE = 'LOCKSTEP_SUPERVISED';

export type ChildMessage =
  | { readonly kind: 'connected' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** How long the last results may take to be sent once the supervisor is gone. */
const LAST_WORK_MS = 5000;

/** Sends nothing where nobody supervises. */
export function tellSupervisor(message: ChildMessage): void {
  if (isSupervised() && process.connected) process.send?.(message);
}

/** When the supervisor is gone (it may have been killed), finishes work in progress as after SIGTERM, and ends. */
export function endWithSupervisor(): void {
  if (!isSupervised()) return;
  const leave = (): void => {
    setTimeout(() => process.exit(1), LAST_WORK_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  };
  if (!process.connected) return leave();
  process.once('disconnect', leave);
  process.channel?.unref(); // the channel alone is no reason to go on
}

export function isSupervised(): boolean {
  return process.env[SUPERVISED_VARIABLE] === '1';
}
