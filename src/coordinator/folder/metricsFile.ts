/**
 * metrics.jsonl: one JSON object per line, complete lines only. A line that cannot be written, for example because the disk
 * is full, is kept and written before the next one. Training goes on meanwhile.
 *
 * The file is truncated by its path: Windows does not truncate through a descriptor that was opened to append.
 */

import { closeSync, fstatSync, openSync, readSync, truncateSync, writeSync } from 'node:fs';
import type { LockstepError } from '../../foundation/errors.js';
import { printableJson } from '../../foundation/printable.js';
import { ioError } from '../checkpoints/files.js';

/** Some tens of thousands of lines. Further lines are lost. */
const MAX_UNWRITTEN_BYTES = 8 << 20;
const READ_BYTES = 1 << 16;
const NEWLINE = 0x0a;

export class MetricsFile {
  /** Lines that are not written yet. The first may be the rest of a line that was written in part. */
  private unwritten: Buffer[] = [];
  private unwrittenBytes = 0;
  private lostLines = 0;

  private constructor(
    private readonly file: string,
    private readonly descriptor: number,
  ) {}

  /**
   * Opens the file to append, and creates it if it does not exist. Removes an incomplete last line of a killed process.
   * @throws LockstepError E_IO
   */
  static open(file: string): MetricsFile {
    let descriptor: number | undefined;
    try {
      descriptor = openSync(file, 'a+');
      if (fstatSync(descriptor).isFIFO()) throw new Error('it is a pipe'); // if nobody reads it, writing would block training
      repairEnd(file, descriptor);
      return new MetricsFile(file, descriptor);
    } catch (error) {
      if (descriptor !== undefined) closeSync(descriptor);
      throw ioError(file, error);
    }
  }

  /** @returns the error if the line could not be written and the lines before it could */
  append(line: object): LockstepError | undefined {
    const wasFailing = this.unwritten.length > 0;
    this.keep(line);
    try {
      this.writeUnwritten();
      if (this.lostLines > 0) this.reportLostLines();
      return undefined;
    } catch (error) {
      return wasFailing ? undefined : ioError(this.file, error);
    }
  }

  /**
   * Removes lines from the file. Rewrites it from the first removed line on, which needs no additional space.
   * @throws LockstepError E_IO
   */
  remove(isVoid: (line: Readonly<Record<string, unknown>>) => boolean): void {
    let firstByte: number | undefined;
    const kept: Buffer[] = [];
    try {
      for (const { begin, bytes } of wholeLines(this.descriptor)) {
        const line = jsonObject(bytes.toString());
        if (line && isVoid(line)) firstByte ??= begin;
        else if (firstByte !== undefined) kept.push(bytes);
      }
      if (firstByte === undefined) return;
      truncateSync(this.file, firstByte);
    } catch (error) {
      throw ioError(this.file, error);
    }
    for (const bytes of kept) {
      this.keepBytes(bytes);
      try {
        this.writeUnwritten();
      } catch {
        // It is written later, like any other line.
      }
    }
  }

  /** Tries once more to write what is unwritten. */
  close(): void {
    try {
      this.writeUnwritten();
    } catch {
      // `append` has reported it.
    }
    closeSync(this.descriptor);
  }

  /** Closes the file as it is: it belongs to another process now, so nothing can be done about an error. */
  abandon(): void {
    try {
      closeSync(this.descriptor);
    } catch {
      // A network file system may report late that an earlier line was not stored.
    }
  }

  private keep(line: object): void {
    this.keepBytes(Buffer.from(`${printableJson(line)}\n`));
  }

  private keepBytes(bytes: Buffer): void {
    if (this.unwrittenBytes + bytes.byteLength > MAX_UNWRITTEN_BYTES) {
      this.lostLines++;
      return;
    }
    this.unwritten.push(bytes);
    this.unwrittenBytes += bytes.byteLength;
  }

  private writeUnwritten(): void {
    for (let bytes = this.unwritten[0]; bytes; bytes = this.unwritten[0]) {
      const written = writeSync(this.descriptor, bytes); // a disk that is nearly full takes a part
      this.unwrittenBytes -= written;
      if (written === bytes.byteLength) this.unwritten.shift();
      else this.unwritten[0] = bytes.subarray(written);
    }
  }

  private reportLostLines(): void {
    const message = `${this.lostLines} lines are missing here: there was no room for them`;
    this.lostLines = 0;
    this.append({ time: new Date().toISOString(), event: 'notice', message });
  }
}

/** Removes what follows the last line break; if that is a complete line, adds its line break instead. */
function repairEnd(file: string, descriptor: number): void {
  const { size } = fstatSync(descriptor);
  const wholeBytes = endOfLastLine(descriptor, size);
  if (wholeBytes === size) return;
  const rest = Buffer.alloc(size - wholeBytes);
  readSync(descriptor, rest, 0, rest.byteLength, wholeBytes);
  if (jsonObject(rest.toString())) writeSync(descriptor, '\n');
  else truncateSync(file, wholeBytes);
}

/** @returns the number of bytes up to and including the last line break */
function endOfLastLine(descriptor: number, size: number): number {
  const block = Buffer.alloc(READ_BYTES);
  for (let end = size; end > 0;) {
    const begin = Math.max(0, end - READ_BYTES);
    const bytesRead = readSync(descriptor, block, 0, end - begin, begin);
    const at = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (at >= 0) return begin + at + 1;
    end = begin;
  }
  return 0;
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

interface Line {
  /** The line's position in the file, in bytes. */
  readonly begin: number;
  /** The line, including its line break. */
  readonly bytes: Buffer;
}

/** Reads line by line: the file may be too large for memory. */
function* wholeLines(descriptor: number): Generator<Line> {
  const block = Buffer.alloc(READ_BYTES);
  let begin = 0;
  let pieces: Buffer[] = [];
  for (let position = 0; ;) {
    const bytesRead = readSync(descriptor, block, 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    let from = 0;
    for (let at = block.indexOf(NEWLINE); at >= 0 && at < bytesRead; at = block.indexOf(NEWLINE, from)) {
      const bytes = Buffer.concat([...pieces, block.subarray(from, at + 1)]);
      yield { begin, bytes };
      begin += bytes.byteLength;
      pieces = [];
      from = at + 1;
    }
    if (from < bytesRead) pieces.push(Buffer.from(block.subarray(from, bytesRead)));
  }
}
