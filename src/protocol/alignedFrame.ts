/**
 * Appends byte strings to a packed head, in one buffer of exactly the size needed: each byte is copied once, and a frame
 * that waits to be sent holds no other memory. msgpack allows a length in more bytes than it needs. This is used to place
 * every byte string at a multiple of four, so that the receiver can view it as float32 without a copy.
 */

const MAP_16 = 0xde;
const FIXED_MAP = 0x80;
const FIXED_MAP_LONGEST = 15;
const BYTES_32_HEAD_BYTES = 5; // 0xc6 and the length
const ALIGNMENT_BYTES = 4;

/**
 * @param head a map of fewer than 16 fields whose header is a map 16, as msgpackr writes it; it is changed
 * @param byteFields go behind the fields of the head, in this order; names of at most 31 ASCII characters
 * @returns one msgpack map: plain msgpack, which any decoder reads
 */
export function appendByteFields(
  head: Uint8Array,
  byteFields: readonly (readonly [name: string, bytes: Uint8Array])[],
): Uint8Array {
  const fieldCount = head[2]! + byteFields.length;
  const isShort = head[0] === MAP_16 && fieldCount <= FIXED_MAP_LONGEST;
  // A name can be shifted by up to two bytes. If three are needed, a shorter map header gives two of them.
  const start = isShort && paddingAfter(head.byteLength, byteFields[0]![0]) > 2 ? 2 : 0;
  if (start === 2) head[2] = FIXED_MAP | fieldCount;
  else head[2] = fieldCount;

  let byteCount = head.byteLength - start;
  const paddings = byteFields.map(([name, { byteLength }]) => {
    const padding = paddingAfter(byteCount, name) % 3; // three are not possible: the receiver copies instead
    byteCount += padding + byteLengthOfHead(name) + byteLength;
    return padding;
  });
  const frame = newFrame(byteCount);
  frame.set(head.subarray(start));
  let position = head.byteLength - start;
  for (const [index, [name, bytes]] of byteFields.entries()) {
    position = writeName(frame, position, name, paddings[index]!);
    frame[position++] = 0xc6;
    position = writeWord(frame, position, bytes.byteLength);
    frame.set(bytes, position);
    position += bytes.byteLength;
  }
  return frame;
}

/** The bytes needed to reach a multiple of four, if the name and a bin 32 header follow at `position`. */
function paddingAfter(position: number, name: string): number {
  return (ALIGNMENT_BYTES - ((position + byteLengthOfHead(name)) % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
}

function byteLengthOfHead(name: string): number {
  return 1 + name.length + BYTES_32_HEAD_BYTES;
}

/** As fixstr, str 8 or str 16, which differ by one byte each. */
function writeName(frame: Uint8Array, position: number, name: string, padding: number): number {
  const { length } = name;
  const head = [[0xa0 | length], [0xd9, length], [0xda, 0, length]][padding]!;
  frame.set(head, position);
  const start = position + head.length;
  for (let index = 0; index < length; index++) frame[start + index] = name.charCodeAt(index);
  return start + length;
}

/** Big-endian. @returns the position behind it */
function writeWord(frame: Uint8Array, position: number, word: number): number {
  frame.set([word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff], position);
  return position + 4;
}

/** Begins at a multiple of eight. Node's need not be filled with zeros first; browsers have no such memory. */
function newFrame(byteCount: number): Uint8Array {
  return typeof Buffer === 'undefined' ? new Uint8Array(byteCount) : Buffer.allocUnsafe(byteCount);
}
