/** The digest by which two runs are compared. */

import { createHash } from 'node:crypto';
import type { ModelState } from './initialise.js';

/** SHA-256 (hex) over parameters, then running statistics, as little-endian float32 in layout order. */
export function digestState(state: ModelState): string {
  const hash = createHash('sha256');
  for (const vector of [state.parameters, state.statistics]) {
    hash.update(littleEndianBytes(vector));
  }
  return hash.digest('hex');
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** The bytes of a float32 vector in little-endian order: a view where the host allows it, else a copy. */
export function littleEndianBytes(vector: Float32Array): Uint8Array {
  if (HOST_IS_LITTLE_ENDIAN) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  const bytes = new Uint8Array(vector.byteLength);
  const view = new DataView(bytes.buffer);
  vector.forEach((value, index) => view.setFloat32(index * 4, value, true));
  return bytes;
}
