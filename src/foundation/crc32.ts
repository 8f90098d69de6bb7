/** Cyclic redundancy checks of 32 bits, bits reversed, as PNG (CRC-32) and TFRecord (CRC-32C) have them. */

/** @param polynomial with its bits reversed */
export function crc32Of(polynomial: number): (bytes: Uint8Array) => number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    return value;
  });
  return (bytes) => {
    let value = 0xffffffff;
    for (const byte of bytes) value = table[(value ^ byte) & 0xff]! ^ (value >>> 8);
    return ~value >>> 0;
  };
}
