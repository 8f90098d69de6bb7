/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), and the form of it in TFRecord files. */

const POLYNOMIAL = 0x82f63b78; // reversed
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? POLYNOMIAL ^ (value >>> 1) : value >>> 1;
  return value;
});
/** Of TFRecord: a checksum of data that holds checksums is weak, so it is rotated and moved. */
const MASK = 0xa282ead8;
const MASK_SHIFT = 15;

export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}

export function maskedCrc32c(bytes: Uint8Array): number {
  const plain = crc32c(bytes);
  return (((plain >>> MASK_SHIFT) | (plain << (32 - MASK_SHIFT))) + MASK) >>> 0;
}
