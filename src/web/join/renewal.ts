/** A page of another version than the coordinator's, which was updated meanwhile, loads itself anew: once, not for ever. */

import type { NodeEnd } from './node/talk.js';

const RELOADED_KEY = 'lockstep-reloaded';

export function isOfOtherVersion(end: NodeEnd): boolean {
  return end.kind === 'refused' && end.code === 'E_PROTOCOL' && end.reason.includes('versions differ');
}

/** @returns false if it has tried before, in vain */
export function reloadOnce(): boolean {
  if (sessionStorage.getItem(RELOADED_KEY) !== null) return false;
  sessionStorage.setItem(RELOADED_KEY, 'now');
  location.reload();
  return true;
}

/** Whether this page was loaded so: it goes on where it was. Asked once. */
export function wasReloaded(): boolean {
  const isNew = sessionStorage.getItem(RELOADED_KEY) === 'now';
  if (isNew) sessionStorage.setItem(RELOADED_KEY, 'before');
  return isNew;
}

/** The versions are the same now. */
export function forgetReload(): void {
  sessionStorage.removeItem(RELOADED_KEY);
}
