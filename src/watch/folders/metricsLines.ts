/**
 * Reads metrics.jsonl without holding it in memory: a file of a long run may be larger than what fits. Text of a file is
 * never trusted: a line that is no JSON object, or is longer than any that Lockstep writes, is skipped.
 */

import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isRecord } from '../../foundation/isRecord.js';
import { LineSampler } from './lineSampler.js';
import type { Sampling } from './lineSampler.js';

const READ_BYTES = 1 << 20;
/** The longest line that Lockstep writes has a few kilobytes. */
const LONGEST_LINE_BYTES = 1 << 18;
const COMPARED_BYTES = 128;
const NEWLINE = 0x0a;

/** Stands in the lines of epochs and results, and not in those of steps, which are hundreds of times as many. */
export const EPOCH_MARK = '"wallSeconds"';

export type MetricsLine = Readonly<Record<string, unknown>>;

/** Where a reader of a growing file is. */
export interface Position {
  /** The beginning of the next line. */
  readonly byte: number;
  /** The bytes before it, to compare with later: if they differ, the file was rewritten. */
  readonly lastBytes: string;
}

export const BEGINNING: Position = { byte: 0, lastBytes: '' };

/** Begins the lines of steps, after their time. */
export const STEP_MARK = '"event":"step"';

export interface Reading {
  readonly from?: Position;
  /** Only lines that contain this text are parsed; searching is far cheaper than parsing. */
  readonly containing?: string;
  readonly sampling?: Sampling | undefined;
  /** @param stands for how many successive lines it stands, of which it is the last: 1, unless lines are sampled */
  readonly onLine: (line: MetricsLine, stands: number) => void;
  /** Ends after the lines of about this many bytes, at least one; left out: at the end of the file. */
  readonly mostBytes?: number;
  /** The file no longer begins with what was read before, as when a resumed run has taken lines out: all comes again. */
  readonly onRewritten?: () => void;
}

/**
 * Calls `onLine` for every whole line, in order. A last line without line break is still being written: it is left for
 * the next call. Other work goes on between blocks of a megabyte.
 * @returns where to read on
 * @throws the error of the file system, such as ENOENT; and for what is no regular file: opening a pipe would wait for ever
 */
export async function readLines(file: string, reading: Reading): Promise<Position> {
  const { from = BEGINNING, onRewritten } = reading;
  if (!(await stat(file)).isFile()) throw new Error(`${file} is not a regular file`);
  const handle = await open(file, 'r');
  try {
    const isSame = (await bytesBefore(handle, from.byte)) === from.lastBytes;
    if (!isSame) onRewritten?.();
    const fromByte = isSame ? from.byte : 0;
    const lines = new LineParser(reading, (await handle.stat()).size - fromByte);
    const byte = await readFrom(handle, fromByte, { mostBytes: reading.mostBytes, lines });
    lines.end();
    return { byte, lastBytes: await bytesBefore(handle, byte) };
  } finally {
    await handle.close();
  }
}

/** Behind all lines of a file that nobody writes to now. @throws the error of the file system */
export async function endOf(file: string): Promise<Position> {
  const handle = await open(file, 'r');
  try {
    const byte = (await handle.stat()).size;
    return { byte, lastBytes: await bytesBefore(handle, byte) };
  } finally {
    await handle.close();
  }
}

/** @returns the beginning of the first line that is not whole */
async function readFrom(
  handle: FileHandle,
  fromByte: number,
  { mostBytes = Infinity, lines }: { readonly mostBytes: number | undefined; readonly lines: LineParser },
): Promise<number> {
  const block = Buffer.allocUnsafe(Math.min(READ_BYTES, mostBytes));
  let rest = Buffer.alloc(0);
  let isTooLong = false;
  let position = fromByte;
  let nextByte = fromByte;
  for (;;) {
    if (nextByte > fromByte && position - fromByte >= mostBytes) return nextByte;
    const { bytesRead } = await handle.read(block, 0, block.byteLength, position);
    if (bytesRead === 0) return nextByte;
    position += bytesRead;
    const chunk = block.subarray(0, bytesRead);
    const lastBreak = chunk.lastIndexOf(NEWLINE);
    if (lastBreak < 0) {
      isTooLong ||= rest.byteLength + bytesRead > LONGEST_LINE_BYTES;
      rest = isTooLong ? Buffer.alloc(0) : Buffer.concat([rest, chunk]);
      continue;
    }
    const whole = Buffer.concat([rest, chunk.subarray(0, lastBreak)]);
    // What is left of a line that was too long must not be taken for a line.
    const begin = isTooLong ? whole.indexOf(NEWLINE) + 1 : 0;
    if (!isTooLong || begin > 0) lines.parse(whole, begin);
    isTooLong = false;
    rest = Buffer.from(chunk.subarray(lastBreak + 1));
    nextByte = position - rest.byteLength;
  }
}

class LineParser {
  private readonly sampler: LineSampler | undefined;

  /** @param byteCount that will be read, about */
  constructor(
    private readonly reading: Pick<Reading, 'containing' | 'sampling' | 'onLine'>,
    byteCount: number,
  ) {
    const { sampling } = reading;
    this.sampler = sampling && new LineSampler(sampling, byteCount);
  }

  /** @param bytes whole lines */
  parse(bytes: Buffer, begin: number): void {
    const { containing } = this.reading;
    for (let from = begin; from < bytes.byteLength;) {
      if (containing !== undefined) {
        const hit = bytes.indexOf(containing, from, 'latin1');
        if (hit < 0) break;
        from = Math.max(from, bytes.lastIndexOf(NEWLINE, hit) + 1);
      }
      const end = bytes.indexOf(NEWLINE, from);
      const to = end < 0 ? bytes.byteLength : end;
      const stands = to - from > LONGEST_LINE_BYTES ? 0 : (this.sampler?.take(bytes, from, to) ?? 1);
      if (stands > 0) this.tell(bytes.toString('utf8', from, to), stands);
      from = to + 1;
    }
    this.sampler?.keepLast(bytes);
  }

  end(): void {
    const last = this.sampler?.last();
    if (last) this.tell(last.text, last.stands);
  }

  private tell(text: string, stands: number): void {
    const line = parsed(text);
    if (line) this.reading.onLine(line, stands);
  }
}

function parsed(text: string): MetricsLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function bytesBefore(handle: FileHandle, byte: number): Promise<string> {
  const bytes = Buffer.alloc(Math.min(COMPARED_BYTES, byte));
  const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, byte - bytes.byteLength);
  return bytes.toString('latin1', 0, bytesRead);
}
