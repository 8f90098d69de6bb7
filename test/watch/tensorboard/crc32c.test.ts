import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../src/watch/tensorboard/crc32c.js';

const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);

describe('CRC-32C', () => {
  it.each([
    ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 bytes from 0 to 31', ascending, 0x46dd794e],
    ['32 bytes from 31 to 0', ascending.toReversed(), 0x113fdb5c],
  ])('has the value of RFC 3720, appendix B.4, for %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('has the check value of the catalogue of CRCs', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('is masked as TFRecord asks: rotated right by 15, plus a constant', () => {
    // ((crc >> 15) | (crc << 17)) + 0xa282ead8 of 0xe3069283, worked out by hand in 32 bits.
    const rotated = Number.parseInt(
      '11100011000001101001001010000011'.slice(-15) + '11100011000001101001001010000011'.slice(0, 17),
      2,
    );
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe((rotated + 0xa282ead8) % 2 ** 32);
  });
});
