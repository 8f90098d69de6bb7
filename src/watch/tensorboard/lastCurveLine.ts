/** Finds the end of a long metrics.jsonl without reading what is before it. */

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isRecord } from '../../foundation/isRecord.js';
import { scalarsOf } from '../follow/curves.js';
import type { ScalarsOfLine } from '../follow/curves.js';

const BLOCK_BYTES = 64 << 10;
/** Beyond this, events about nodes and connections have filled the end of the file. */
const MOST_BYTES = 64 << 20;
const NEWLINE = 0x0a;

/** @returns the last line that became a record, without a test's step; undefined if there is none, or none near the end */
export async function lastCurveLine(file: string): Promise<ScalarsOfLine | undefined> {
  const handle = await open(file, 'r');
  try {
    return await searchBackwards(handle, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

async function searchBackwards(handle: FileHandle, size: number): Promise<ScalarsOfLine | undefined> {
  // The end of a line that begins before it, piece by piece: joined once, when its beginning is found.
  let rest: readonly Buffer[] = [];
  for (let end = size; end > 0 && size - end < MOST_BYTES;) {
    const begin = Math.max(0, end - BLOCK_BYTES);
    const block = Buffer.alloc(end - begin);
    await handle.read(block, 0, block.byteLength, begin);
    const firstBreak = begin === 0 ? -1 : block.indexOf(NEWLINE);
    if (firstBreak >= 0 || begin === 0) {
      const found = lastIn(Buffer.concat([block.subarray(firstBreak + 1), ...rest]));
      if (found) return found;
      rest = [block.subarray(0, firstBreak + 1)];
    } else {
      rest = [block, ...rest];
    }
    end = begin;
  }
  return undefined;
}

function lastIn(bytes: Buffer): ScalarsOfLine | undefined {
  for (const text of bytes.toString('utf8').split('\n').reverse()) {
    const line = parsed(text);
    const found = line && scalarsOf(line, 0);
    if (found) return found;
  }
  return undefined;
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
