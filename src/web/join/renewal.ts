/** A page of another version than the coordinator's, which was updated meanwhile, loads itself anew: once, not for ever. */

import { forget, keep, kept } from '../tabStorage.js';
import type { NodeEnd } from './node/talk.js';

const RELOADED_KEY = 'lockstep-reloaded';

export function isOfOtherVersion(end: NodeEnd): boolean {
  return end.kind === 'refused' && end.code === 'E_PROTOCOL' && end.reason.includes('versions differ');
}

/** @returns false if it has tried before, in vain, or could not know that it has */
export function reloadOnce(): boolean {
  if (kept(RELOADED_KEY) !== undefined || !keep(RELOADED_KEY, 'now')) return false;
  location.reload();
  return true;
}

/** Whether this page was loaded so: it goes on where it was. Asked once. */
export function wasReloaded(): boolean {
  const isNew = kept(RELOADED_KEY) === 'now';
  if (isNew) keep(RELOADED_KEY, 'before');
  return isNew;
}

/** The versions are the same now. */
export function forgetReload(): void {
  forget(RELOADED_KEY);
}
