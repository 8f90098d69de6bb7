/** The event files of a run: one for each session that wrote any. Only files of exactly this name are ever cut or removed. */

import { open, readdir, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { TENSORBOARD_FILE } from '../../coordinator/index.js';
import { fileVersionEvent, readEventHead } from './eventMessages.js';
import type { EventHead } from './eventMessages.js';
import { frameRecord, wholeRecords } from './records.js';

/** No links: what they lead to belongs to others, and must not be cut. No pipes: opening one would wait for ever. */
export async function eventFilesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && TENSORBOARD_FILE.test(entry.name))
    .map(({ name }) => name)
    .sort()
    .map((name) => path.join(folder, name));
}

/** What the last name says, of files and of anything else; 0 for none. */
async function lastSecondsIn(folder: string): Promise<number> {
  const matches = (await readdir(folder)).map((name) => TENSORBOARD_FILE.exec(name)?.[1]);
  return Math.max(0, ...matches.map((seconds) => Number(seconds ?? 0)));
}

export interface PlacedEvent {
  readonly file: string;
  /** The event's first byte. */
  readonly begin: number;
  readonly head: EventHead;
}

/** All whole events, in order; of a file that is damaged, those before the damage. */
export async function* eventsIn(files: readonly string[]): AsyncGenerator<PlacedEvent> {
  for (const file of files) {
    const handle = await open(file, 'r');
    try {
      for await (const { begin, data } of wholeRecords(handle)) {
        yield { file, begin, head: readEventHead(data) };
      }
    } finally {
      await handle.close();
    }
  }
}

/** Removes this event and all after it. */
export async function cutAt({ file, begin }: PlacedEvent, files: readonly string[]): Promise<void> {
  for (const later of files.slice(files.indexOf(file) + 1)) await rm(later);
  const handle = await open(file, 'r+');
  try {
    await handle.truncate(begin);
  } finally {
    await handle.close();
  }
}

/** Removes what a kill has left of a last event: whoever reads the file would take it for damage. */
export async function cutIncomplete(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    let wholeBytes = 0;
    for await (const { end } of wholeRecords(handle)) wholeBytes = end;
    await handle.truncate(wholeBytes);
  } finally {
    await handle.close();
  }
}

/** The file of this session. It is made when there is something to write. */
export class EventFile {
  private writtenBytes = 0;

  private constructor(
    readonly file: string,
    private readonly handle: FileHandle,
  ) {}

  /** Its name comes after those of the sessions before, whatever the clock says. @param first what it begins with */
  static async create(folder: string, timeMs: number, first: readonly Uint8Array[]): Promise<EventFile> {
    const seconds = Math.max(Math.floor(timeMs / 1000), (await lastSecondsIn(folder)) + 1);
    const file = path.join(folder, `events.out.tfevents.${String(seconds).padStart(10, '0')}.lockstep`);
    const created = new EventFile(file, await open(file, 'wx'));
    await created.append([fileVersionEvent(timeMs), ...first]).catch(async (error: unknown) => {
      await created.close();
      await rm(file, { force: true });
      throw error;
    });
    return created;
  }

  /** Writes all of these events or, if there is no room, none. */
  async append(events: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(events.map(frameRecord));
    try {
      for (let from = 0; from < bytes.byteLength;) {
        const { bytesWritten } = await this.handle.write(
          bytes,
          from,
          bytes.byteLength - from,
          this.writtenBytes + from,
        );
        from += bytesWritten;
      }
      this.writtenBytes += bytes.byteLength;
    } catch (error) {
      await this.handle.truncate(this.writtenBytes).catch(() => undefined); // the next attempt overwrites it
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
