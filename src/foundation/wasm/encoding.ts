/** Byte-level encoding of WebAssembly modules (core specification 2.0, chapter 5). */

/** Byte code as nested arrays; `flatten` makes it bytes. */
export type Code = readonly (number | Code)[];

export function unsignedLeb128(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** @param value a signed 32-bit integer */
export function signedLeb128(value: number): Code {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

export function flatten(code: Code): number[] {
  const bytes: number[] = [];
  append(code, bytes);
  return bytes;
}

function append(code: Code, bytes: number[]): void {
  for (const part of code) {
    if (typeof part === 'number') bytes.push(part);
    else append(part, bytes);
  }
}

/** A length-prefixed vector of already encoded items. */
export const vectorOf = (items: readonly Code[]): Code => [unsignedLeb128(items.length), ...items];

/** Bytes preceded by their count. */
export function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsignedLeb128(bytes.length), bytes];
}

export const text = (value: string): Code => sized([...new TextEncoder().encode(value)]);
