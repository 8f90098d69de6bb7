/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), and the form of it in TFRecord files. */

import { crc32Of } from '../../foundation/crc32.js';

/** Of TFRecord: a checksum of data that holds checksums is weak, so it is rotated and moved. */
const MASK = 0xa282ead8;
const MASK_SHIFT = 15;

export const crc32c = crc32Of(0x82f63b78);

export function maskedCrc32c(bytes: Uint8Array): number {
  const plain = crc32c(bytes);
  return (((plain >>> MASK_SHIFT) | (plain << (32 - MASK_SHIFT))) + MASK) >>> 0;
}
