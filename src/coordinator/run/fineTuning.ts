/** What `init` and `freeze` may be: while a run is asked for, and in a finished recipe. */

import type { TextForm } from '../../foundation/options/kind.js';

/** Neither has anything to say. */
export const NONE = 'none';

/** Which weights a run began with: the digest of a run's weights, or of a file that is not Lockstep's. */
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export const SETTLED_INIT: TextForm = {
  matches: (text) => text === NONE || DIGEST.test(text),
  rule: 'none, or sha256: and the digest of the weights',
};

/** Whether a config.json says which weights a run began with, but not where they are. */
export function isDigest(init: string): boolean {
  return DIGEST.test(init);
}

const MOST_CHARACTERS = 2000;
const PREFIX = /^[A-Za-z][\w.-]{0,59}\*?$/;

export const FREEZE_NAMES: TextForm = {
  matches: (text) => text.length <= MOST_CHARACTERS && text.split(',').every((name) => PREFIX.test(name)),
  rule: 'names of layers, or their beginnings, separated by commas',
};

/** @returns none for `none` */
export function frozenPrefixes(freeze: string): readonly string[] {
  return freeze === NONE ? [] : freeze.split(',');
}
