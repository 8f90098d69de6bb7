/** The files of a run that hold one JSON object: config.json and result.json. */

import { readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { MOST_JSON_BYTES } from '../../coordinator/index.js';
import { isRecord } from '../../foundation/isRecord.js';

export type Json = Readonly<Record<string, unknown>>;

/** Undefined for a file that is missing, too large to be what it should be, or not a JSON object. */
export function readSmallJson(file: string): Json | undefined {
  return new SmallJson(file).read();
}

/** Looks at the file each time it is asked, and reads it again only if it was replaced or changed. */
export class SmallJson {
  private seen: string | undefined;
  private content: Json | undefined;

  /** @param keys all that is kept of it; undefined: everything. A config.json may hold a network of megabytes */
  constructor(
    private readonly file: string,
    private readonly keys?: readonly string[],
  ) {}

  read(): Json | undefined {
    const stats = statsOf(this.file);
    const state = stats && `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    if (state !== this.seen) {
      this.seen = state;
      this.content = stats && this.kept(parsed(this.file, stats));
    }
    return this.content;
  }

  private kept(content: Json | undefined): Json | undefined {
    const { keys } = this;
    if (content === undefined || keys === undefined) return content;
    return Object.fromEntries(keys.map((key) => [key, content[key]]));
  }
}

function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined; // not there, or in a folder that this user may not look into
  }
}

function parsed(file: string, stats: Stats): Json | undefined {
  if (!stats.isFile() || stats.size > MOST_JSON_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
