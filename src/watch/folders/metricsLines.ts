/**
 * Reads metrics.jsonl without holding it in memory: a file of a long run may be larger than what fits. Text of a file is
 * never trusted: a line that is no JSON object, or is longer than any that Lockstep writes, is skipped.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { isRecord } from '../../foundation/isRecord.js';

const READ_BYTES = 1 << 20;
/** The longest line that Lockstep writes has a few kilobytes. */
const LONGEST_LINE_BYTES = 1 << 18;
const NEWLINE = 0x0a;

/** Stands in the lines of epochs and results, and not in those of steps, which are hundreds of times as many. */
export const EPOCH_MARK = '"wallSeconds"';

export type MetricsLine = Readonly<Record<string, unknown>>;

export interface LineRange {
  /** Where to begin, in bytes: the beginning of a line. */
  readonly fromByte?: number;
  /** Only lines that contain this text are parsed; searching is far cheaper than parsing. */
  readonly containing?: string;
}

/** What was read, and where the next line begins: a file that grows is read on from there. */
export interface LinesRead {
  readonly nextByte: number;
}

/**
 * Calls `onLine` for every whole line, in order. A last line without line break is still being written: it is left for
 * the next call.
 * @throws the error of the file system, such as ENOENT
 */
export function readLines(
  file: string,
  { fromByte = 0, containing }: LineRange,
  onLine: (line: MetricsLine) => void,
): LinesRead {
  const descriptor = openSync(file, 'r');
  try {
    const block = Buffer.allocUnsafe(READ_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    let isTooLong = false;
    let position = fromByte;
    let nextByte = fromByte;
    for (;;) {
      const bytesRead = readSync(descriptor, block, 0, READ_BYTES, position);
      if (bytesRead === 0) return { nextByte };
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
      if (!isTooLong || begin > 0) parseLines(whole, begin, containing, onLine);
      isTooLong = false;
      rest = Buffer.from(chunk.subarray(lastBreak + 1));
      nextByte = position - rest.byteLength;
    }
  } finally {
    closeSync(descriptor);
  }
}

function parseLines(
  bytes: Buffer,
  begin: number,
  containing: string | undefined,
  onLine: (line: MetricsLine) => void,
): void {
  for (let from = begin; from < bytes.byteLength;) {
    if (containing !== undefined) {
      const hit = bytes.indexOf(containing, from, 'latin1');
      if (hit < 0) return;
      from = Math.max(from, bytes.lastIndexOf(NEWLINE, hit) + 1);
    }
    const end = bytes.indexOf(NEWLINE, from);
    const to = end < 0 ? bytes.byteLength : end;
    if (to - from <= LONGEST_LINE_BYTES) {
      const line = parsed(bytes.toString('utf8', from, to));
      if (line) onLine(line);
    }
    from = to + 1;
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

const COMPARED_BYTES = 128;

/** The end of what a reader has read, to compare with later: the time in it makes it differ from any other. */
export function bytesBefore(file: string, position: number): string {
  const bytes = Buffer.alloc(Math.min(COMPARED_BYTES, position));
  const descriptor = openSync(file, 'r');
  try {
    const bytesRead = readSync(descriptor, bytes, 0, bytes.byteLength, position - bytes.byteLength);
    return bytes.toString('latin1', 0, bytesRead);
  } finally {
    closeSync(descriptor);
  }
}
