/** trackers.json of a run folder: which run the trackers know it as, and what they have got. No secrets. */

import path from 'node:path';
import { TRACKERS, writeFileAtomically } from '../../coordinator/index.js';
import { isRecord } from '../../foundation/isRecord.js';
import { readSmallJson } from '../folders/smallJson.js';
import type { TrackerMemory } from './trackerFeed.js';

export class TrackerMemories {
  private constructor(
    private readonly file: string,
    private readonly memories: Map<string, TrackerMemory>,
    private readonly checkHeld: () => void,
  ) {}

  /** A file that cannot be read is as none: the run is a new one for the trackers. */
  static read(folder: string, checkHeld: () => void): TrackerMemories {
    const file = path.join(folder, TRACKERS);
    const entries = Object.entries(readSmallJson(file) ?? {}).filter((entry): entry is [string, TrackerMemory] =>
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

function isMemory(value: unknown): value is TrackerMemory {
  if (!isRecord(value)) return false;
  const { place, run, sentStep, sentEpoch } = value;
  return (
    [place, run].every((text) => typeof text === 'string') &&
    [sentStep, sentEpoch].every(Number.isSafeInteger)
  );
}
