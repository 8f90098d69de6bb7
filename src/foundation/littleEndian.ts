/** Float32 vectors as little-endian bytes and back: the form in which tensors are hashed, stored and sent. */

export const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** The bytes of a float32 vector in little-endian order: a view on little-endian hosts, otherwise a copy. */
export function littleEndianBytes(vector: Float32Array): Uint8Array {
  if (HOST_IS_LITTLE_ENDIAN) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  const bytes = new Uint8Array(vector.byteLength);
  const view = new DataView(bytes.buffer);
  vector.forEach((value, index) => view.setFloat32(index * FLOAT_BYTES, value, true));
  return bytes;
}

/**
 * The float32 vector in little-endian bytes: a view if alignment and the host allow it, otherwise a copy.
 * @param bytes a multiple of four bytes
 */
export function floatsFromLittleEndian(bytes: Uint8Array): Float32Array {
  const length = bytes.byteLength / FLOAT_BYTES;
  if (!HOST_IS_LITTLE_ENDIAN) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float32Array.from({ length }, (_, index) => view.getFloat32(index * FLOAT_BYTES, true));
  }
  if (bytes.byteOffset % FLOAT_BYTES === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, length);
  const copy = new Uint8Array(bytes);
  return new Float32Array(copy.buffer, 0, length);
}
