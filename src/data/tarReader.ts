/**
 * Extracts known files from a tar stream (POSIX.1-1988 ustar). Deliberately not a general tar reader: an entry with the
 * exact name of a wanted file goes to the path given for it, and any other entry is skipped. So no name in an archive
 * can choose a path.
 */

import { open } from 'node:fs/promises';

const BLOCK_BYTE_COUNT = 512;
const PLAIN_FILE_TYPES = ['0', '\0'];

export interface WantedFile {
  /** Where it is written; must not exist yet. */
  readonly path: string;
  /** A larger entry is refused before it is written. */
  readonly maxByteCount: number;
}

/** Why an archive was refused; the caller adds its name. */
export class TarError extends Error {}

/**
 * Writes the wanted entries to their paths.
 * @param wanted by the exact name in the archive
 * @returns the names found
 * @throws TarError if the archive is damaged, or has a wanted entry twice, or one that is too large.
 */
export async function extractWanted(
  chunks: AsyncIterable<Uint8Array>,
  wanted: ReadonlyMap<string, WantedFile>,
): Promise<ReadonlySet<string>> {
  const reader = new ByteReader(chunks);
  const found = new Set<string>();
  for (;;) {
    const header = parseHeader(await reader.exactly(BLOCK_BYTE_COUNT));
    if (header === undefined) return found; // the block of zeros that ends an archive
    const padding = (BLOCK_BYTE_COUNT - (header.byteCount % BLOCK_BYTE_COUNT)) % BLOCK_BYTE_COUNT;
    const file = header.isPlainFile ? wanted.get(header.name) : undefined;
    if (file === undefined) {
      await reader.forward(header.byteCount, () => undefined);
    } else {
      if (found.has(header.name)) throw new TarError(`${header.name} is in it twice`);
      found.add(header.name);
      await writeEntry(reader, header, file);
    }
    await reader.exactly(padding);
  }
}

async function writeEntry(
  reader: ByteReader,
  { name, byteCount }: TarHeader,
  file: WantedFile,
): Promise<void> {
  if (byteCount > file.maxByteCount) {
    throw new TarError(`${name} has ${byteCount} bytes, more than the limit of ${file.maxByteCount}`);
  }
  const handle = await open(file.path, 'wx');
  try {
    await reader.forward(byteCount, (part) => handle.writeFile(part)); // continues where the last part ended
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface TarHeader {
  readonly name: string;
  readonly byteCount: number;
  readonly isPlainFile: boolean;
}

function parseHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (octal(block, 148, 8) !== checksum(block)) throw new TarError('a header fails its checksum');
  const prefix = text(block, 257, 5) === 'ustar' ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return {
    name: (prefix === '' ? name : `${prefix}/${name}`).replace(/^\.\//, ''),
    byteCount: octal(block, 124, 12),
    isPlainFile: PLAIN_FILE_TYPES.includes(String.fromCharCode(block[156]!)),
  };
}

/** Sum of the header's bytes, with the checksum field counted as blanks. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function text(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return Buffer.from(end === -1 ? field : field.subarray(0, end)).toString('latin1');
}

function octal(block: Uint8Array, start: number, length: number): number {
  const digits = text(block, start, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw new TarError('a header holds a number that is not octal');
  return parseInt(digits, 8);
}

/** Reads given numbers of bytes from a stream of chunks of any size. */
class ByteReader {
  private readonly source: AsyncIterator<Uint8Array>;
  private rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.source = chunks[Symbol.asyncIterator]();
  }

  /** A small number of bytes, as one array. */
  async exactly(byteCount: number): Promise<Uint8Array> {
    const whole = new Uint8Array(byteCount);
    let filled = 0;
    await this.forward(byteCount, (part) => {
      whole.set(part, filled);
      filled += part.length;
    });
    return whole;
  }

  /** Any number of bytes, part by part. */
  async forward(byteCount: number, sink: (part: Uint8Array) => Promise<void> | void): Promise<void> {
    for (let missing = byteCount; missing > 0;) {
      if (this.rest.length === 0) {
        const next = await this.source.next();
        if (next.done === true) throw new TarError('it ends in the middle of an entry');
        this.rest = next.value;
      }
      const part = this.rest.subarray(0, missing);
      this.rest = this.rest.subarray(part.length);
      missing -= part.length;
      await sink(part);
    }
  }
}
