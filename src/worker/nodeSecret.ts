/** The secret by which a coordinator recognises a node when it reconnects. */

import { randomBytes } from 'node:crypto';

const BYTES = 16;

/** Identifies the node; does not affect what it computes. */
export function newNodeSecret(): string {
  return randomBytes(BYTES).toString('hex');
}
