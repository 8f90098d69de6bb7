/** What a coordinator knows a node by, from one connection to the next. */

import { randomBytes } from 'node:crypto';

const BYTES = 16;

/** It tells nodes apart, and has no part in what they compute. */
export function newNodeSecret(): string {
  return randomBytes(BYTES).toString('hex');
}
