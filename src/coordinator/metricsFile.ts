/**
 * metrics.jsonl: one JSON object a line, and whole lines only. A line that cannot be written, for want of space, is kept
 * back and written before the next one: training goes on meanwhile.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { LockstepError } from '../foundation/errors.js';
import { printableJson } from '../foundation/printable.js';
import { ioError } from './files.js';

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
    const bytes = Buffer.from(`${printableJson(line)}\n`);
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
  if (isJsonObject(rest.toString())) writeSync(descriptor, '\n');
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

function isJsonObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
