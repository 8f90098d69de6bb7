/**
 * metrics.jsonl: one JSON object a line, and whole lines only. A line that cannot be written, for want of space, is kept
 * back and written before the next one: training goes on meanwhile.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { LockstepError } from '../../foundation/errors.js';
import { printableJson } from '../../foundation/printable.js';
import { ioError } from '../checkpoints/files.js';

/** Some tens of thousands of lines; what comes beyond is lost. */
const MOST_KEPT_BACK_BYTES = 8 << 20;
const READ_BYTES = 1 << 16;
const NEWLINE = 0x0a;

export class MetricsFile {
  /** The first may have been written in part; then this is its rest. */
  private keptBack: Buffer[] = [];
  private keptBackBytes = 0;
  private lostLines = 0;

  private constructor(
    private readonly file: string,
    private readonly descriptor: number,
  ) {}

  /**
   * Opens it to append; creates it if need be. What a killed process left of a line is cut off.
   * @throws LockstepError E_IO
   */
  static open(file: string): MetricsFile {
    try {
      const descriptor = openSync(file, 'a+');
      if (fstatSync(descriptor).isFIFO()) {
        closeSync(descriptor);
        throw new Error('it is a pipe'); // nobody may read it, and then writing would hold the training up
      }
      repairEnd(descriptor);
      return new MetricsFile(file, descriptor);
    } catch (error) {
      throw ioError(file, error);
    }
  }

  /** @returns what kept the line from being written, if it is the first to be kept back */
  append(line: object): LockstepError | undefined {
    const wasFailing = this.keptBack.length > 0;
    this.keep(line);
    try {
      this.writeKeptBack();
      if (this.lostLines > 0) this.confessLoss();
      return undefined;
    } catch (error) {
      return wasFailing ? undefined : ioError(this.file, error);
    }
  }

  /**
   * Takes lines out of the file. From the first of them on it is written anew; that needs no room that was not there.
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
      ftruncateSync(this.descriptor, firstByte);
    } catch (error) {
      throw ioError(this.file, error);
    }
    for (const bytes of kept) {
      this.keepBytes(bytes);
      try {
        this.writeKeptBack();
      } catch {
        // It waits for room, like any other line.
      }
    }
  }

  /** What is still kept back is tried once more, and then lost. */
  close(): void {
    try {
      this.writeKeptBack();
    } catch {
      // It was said when it began.
    }
    closeSync(this.descriptor);
  }

  private keep(line: object): void {
    this.keepBytes(Buffer.from(`${printableJson(line)}\n`));
  }

  private keepBytes(bytes: Buffer): void {
    if (this.keptBackBytes + bytes.byteLength > MOST_KEPT_BACK_BYTES) {
      this.lostLines++;
      return;
    }
    this.keptBack.push(bytes);
    this.keptBackBytes += bytes.byteLength;
  }

  private writeKeptBack(): void {
    for (let bytes = this.keptBack[0]; bytes; bytes = this.keptBack[0]) {
      const written = writeSync(this.descriptor, bytes); // a disk that is nearly full takes a part
      this.keptBackBytes -= written;
      if (written === bytes.byteLength) this.keptBack.shift();
      else this.keptBack[0] = bytes.subarray(written);
    }
  }

  private confessLoss(): void {
    const message = `${this.lostLines} lines are missing here: there was no room for them`;
    this.lostLines = 0;
    this.append({ time: new Date().toISOString(), event: 'notice', message });
  }
}

/** Cuts off what follows the last line break, unless it is a whole line that lacks nothing but its break. */
function repairEnd(descriptor: number): void {
  const { size } = fstatSync(descriptor);
  const wholeBytes = endOfLastLine(descriptor, size);
  if (wholeBytes === size) return;
  const rest = Buffer.alloc(size - wholeBytes);
  readSync(descriptor, rest, 0, rest.byteLength, wholeBytes);
  if (jsonObject(rest.toString())) writeSync(descriptor, '\n');
  else ftruncateSync(descriptor, wholeBytes);
}

/** @returns the bytes up to and with the last line break */
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
  /** Where it begins in the file. */
  readonly begin: number;
  /** With its line break. */
  readonly bytes: Buffer;
}

/** One after another; the file may be far larger than what should be in memory. */
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
