/** The digest by which two runs are compared. */

import { createHash } from 'node:crypto';
import { littleEndianBytes } from '../foundation/littleEndian.js';
import type { ModelState } from './initialise.js';

/** SHA-256 (hex) over parameters, then running statistics, as little-endian float32 in layout order. */
export function digestState(state: ModelState): string {
  const hash = createHash('sha256');
  for (const vector of [state.parameters, state.statistics]) {
    hash.update(littleEndianBytes(vector));
  }
  return hash.digest('hex');
}
