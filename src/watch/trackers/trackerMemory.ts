/** trackers.json of a run folder: which run the trackers know it as, and what they have got. No secrets. */

import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { TRACKERS, writeFileAtomically } from '../../coordinator/index.js';
import { isRecord } from '../../foundation/isRecord.js';
import type { TrackerMemory } from './trackerFeed.js';

export class TrackerMemories {
  private constructor(
    private readonly file: string,
    private readonly memories: Map<string, TrackerMemory>,
    private readonly checkHeld: () => void,
  ) {}

  /** A file that cannot be read is as none: the run is a new one for the trackers. */
  static async read(folder: string, checkHeld: () => void): Promise<TrackerMemories> {
    const file = path.join(folder, TRACKERS);
    const content = await readFile(file, 'utf8').catch(() => '{}');
    const entries = Object.entries(objectOf(content)).filter((entry): entry is [string, TrackerMemory] =>
      isMemory(entry[1]),
    );
    return new TrackerMemories(file, new Map(entries), checkHeld);
  }

  of(name: string): TrackerMemory | undefined {
    return this.memories.get(name);
  }

  async remember(name: string, memory: TrackerMemory): Promise<void> {
    this.memories.set(name, memory);
    this.checkHeld();
    await writeFileAtomically(this.file, `${JSON.stringify(Object.fromEntries(this.memories), null, 2)}\n`);
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function isMemory(value: unknown): value is TrackerMemory {
  if (!isRecord(value)) return false;
  const { place, run, sentStep, sentEpoch } = value;
  return (
    [place, run].every((text) => typeof text === 'string') &&
    [sentStep, sentEpoch].every(Number.isSafeInteger)
  );
}
