/**
 * Checks a msgpack frame before it is decoded. msgpackr would build records, sets, regular expressions, errors and dates
 * from extension types, and would allocate whatever a count claims. Lockstep's messages need none of that.
 */

const FIXED_BYTES: Readonly<Record<number, number>> = {
  0xca: 4, // float 32
  0xcb: 8, // float 64
  0xcc: 1, // unsigned integers
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1, // signed integers
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
};
/** Bytes of the length that follows the type. */
const STRINGS_AND_BYTES: Readonly<Record<number, number>> = {
  0xc4: 1,
  0xc5: 2,
  0xc6: 4,
  0xd9: 1,
  0xda: 2,
  0xdb: 4,
};
const ARRAYS: Readonly<Record<number, number>> = { 0xdc: 2, 0xdd: 4 };
const MAPS: Readonly<Record<number, number>> = { 0xde: 2, 0xdf: 4 };
const NIL_AND_BOOLEANS: ReadonlySet<number> = new Set([0xc0, 0xc2, 0xc3]);

/** No message comes near this. Without a limit, a frame of one megabyte could hold a million values or levels. */
const MAX_VALUES = 4096;

/** @returns why the frame is not exactly one value of plain msgpack (no extension types); undefined if it is */
export function faultOfFrame(frame: Uint8Array): string | undefined {
  let position = 0;
  /** Reads a big-endian length and moves past it. */
  const unsigned = (byteCount: number): number => {
    let value = 0;
    for (let end = position + byteCount; position < end; position++)
      value = value * 256 + (frame[position] ?? 0);
    return value;
  };
  // Every value takes at least one byte, so a valid count never exceeds the bytes that are left.
  let valuesLeft = MAX_VALUES;
  for (let expected = 1; expected > 0;) {
    if (valuesLeft-- === 0) return `it holds more than ${MAX_VALUES} values`;
    if (expected > frame.byteLength - position) return 'it ends early';
    const type = frame[position++]!;
    expected--;
    if (type <= 0x7f || type >= 0xe0 || NIL_AND_BOOLEANS.has(type)) continue;
    if (type <= 0x8f) expected += 2 * (type & 0x0f);
    else if (type <= 0x9f) expected += type & 0x0f;
    else if (type <= 0xbf) position += type & 0x1f;
    else if (type in FIXED_BYTES) position += FIXED_BYTES[type]!;
    else if (type in STRINGS_AND_BYTES) {
      const length = unsigned(STRINGS_AND_BYTES[type]!); // moves `position`, so it must come first
      position += length;
    } else if (type in ARRAYS) expected += unsigned(ARRAYS[type]!);
    else if (type in MAPS) expected += 2 * unsigned(MAPS[type]!);
    else return `it holds an extension type (0x${type.toString(16)})`;
  }
  if (position > frame.byteLength) return 'it ends early';
  return position < frame.byteLength ? 'data follows its value' : undefined;
}
