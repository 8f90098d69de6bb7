/** The runs in a folder, for someone who named the folder instead of a run. */

import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import { CheckpointFiles } from '../coordinator/index.js';

/**
 * Runs with a checkpoint, the last begun first, by the time in the first line of metrics.jsonl: times of files change when
 * something is copied or looked into. Runs that do not say when they began come last, by name.
 */
export function runsWithin(folder: string): readonly string[] {
  return namesIn(folder)
    .map((name) => path.join(folder, name))
    .filter((place) => new CheckpointFiles(path.join(place, 'checkpoints')).exist())
    .map((place) => ({ place, begun: begunAt(place) }))
    .sort((a, b) => (a.begun === b.begun ? (a.place < b.place ? -1 : 1) : a.begun < b.begun ? 1 : -1))
    .map(({ place }) => place);
}

/** None of a folder that may not be listed. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** More than the first line has. */
const READ_BYTES = 4096;
const TIME = /^\{"time":"([\d:.TZ-]{1,30})"/;

/** ISO 8601, so that later times are greater texts; empty: not known. */
function begunAt(run: string): string {
  try {
    const descriptor = openSync(path.join(run, 'metrics.jsonl'), 'r');
    try {
      const bytes = Buffer.alloc(READ_BYTES);
      const length = readSync(descriptor, bytes, 0, READ_BYTES, 0);
      return TIME.exec(bytes.toString('latin1', 0, length))?.[1] ?? '';
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
}
