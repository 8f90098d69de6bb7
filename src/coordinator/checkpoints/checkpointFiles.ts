/**
 * The files of a run's checkpoints. A new one is written beside the old, synced and read back before it takes the
 * name; the last one keeps the one before it as `previous`, for the day on which the disk has spoilt it.
 */

import { existsSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError } from '../../foundation/errors.js';
import { readCheckpoint } from './checkpoint.js';
import type { Checkpoint } from './checkpoint.js';
import { ioError, syncFolder } from './files.js';
import { UnusableCheckpoint } from './unusableCheckpoint.js';

/** `epoch`: the state that a run falls back to when it diverges. */
export type CheckpointName = 'last' | 'best' | 'epoch';

const FILES = { last: 'last.safetensors', best: 'best.safetensors', epoch: 'epoch.safetensors' } as const;
const PREVIOUS = 'previous.safetensors';
const DAMAGED = 'damaged.safetensors';
export const CHECKPOINT_FILES: readonly string[] = [...Object.values(FILES), PREVIOUS];
const READ_BACK_BYTES = 1 << 18;

export class CheckpointFiles {
  /** @param mayWrite throws if the files are no longer this process's to write; asked just before one takes its place */
  constructor(
    private readonly folder: string,
    private readonly mayWrite: () => void = () => undefined,
  ) {}

  fileOf(name: CheckpointName): string {
    return path.join(this.folder, FILES[name]);
  }

  get previousFile(): string {
    return path.join(this.folder, PREVIOUS);
  }

  /** Whether there is one that could be resumed from, be it whole or not. */
  exist(): boolean {
    return existsSync(this.fileOf('last')) || existsSync(this.previousFile);
  }

  /**
   * Replaces a checkpoint as a whole.
   * @param pieces its content, one after another
   * @throws LockstepError E_IO; what was there before then still stands. What `mayWrite` throws
   */
  async write(name: CheckpointName, pieces: readonly Uint8Array[]): Promise<void> {
    const target = this.fileOf(name);
    const temporary = `${target}.${process.pid}.tmp`;
    try {
      await writeSynced(temporary, pieces);
      await readBack(temporary, pieces);
      this.mayWrite();
      if (name === 'last') await this.keepAsPrevious(target);
      await rename(temporary, target);
      await syncFolder(this.folder);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error instanceof LockstepError ? error : ioError(target, error);
    }
  }

  /**
   * The newest checkpoint that is whole.
   * @returns with it, what was wrong with the one that should have been used
   * @throws LockstepError E_CHECKPOINT if none is
   */
  async readNewest(): Promise<{ readonly checkpoint: Checkpoint; readonly damage: string | undefined }> {
    const last = await attempt(this.fileOf('last'));
    if (last instanceof UnusableCheckpoint) {
      const previous = await attempt(this.previousFile);
      if (previous instanceof UnusableCheckpoint) {
        const second = existsSync(this.previousFile) ? previous.fault : undefined;
        const best = await attempt(this.fileOf('best'));
        throw nothingLeft(last.fault, second, !(best instanceof UnusableCheckpoint));
      }
      return { checkpoint: previous, damage: last.fault };
    }
    return { checkpoint: last, damage: undefined };
  }

  /**
   * Takes a damaged last checkpoint out of the way, so that it does not become the previous one.
   * @throws LockstepError E_IO
   */
  async setLastAside(): Promise<void> {
    const last = this.fileOf('last');
    try {
      if (existsSync(last)) await rename(last, path.join(this.folder, DAMAGED));
    } catch (error) {
      throw ioError(last, error);
    }
  }

  /** By a second link, so that at no moment there is no last one; where there are no links, by its name. */
  private async keepAsPrevious(last: string): Promise<void> {
    if (!existsSync(last)) return;
    const { previousFile } = this;
    const temporary = `${previousFile}.${process.pid}.tmp`;
    try {
      await rm(temporary, { force: true });
      await link(last, temporary);
    } catch {
      return rename(last, previousFile);
    }
    try {
      await rename(temporary, previousFile);
    } finally {
      // Renaming one link of a file over another does nothing: as after a kill between this and the next rename.
      await rm(temporary, { force: true });
    }
  }
}

async function writeSynced(file: string, pieces: readonly Uint8Array[]): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const piece of pieces) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The system may answer from its cache: this finds what went wrong on the way there, not what the disk will forget. */
async function readBack(file: string, pieces: readonly Uint8Array[]): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const found = Buffer.alloc(READ_BACK_BYTES);
    for (const piece of pieces) {
      for (let offset = 0; offset < piece.byteLength;) {
        const wanted = piece.subarray(offset, offset + READ_BACK_BYTES);
        const { bytesRead } = await handle.read(found, 0, wanted.byteLength);
        if (
          bytesRead === 0 ||
          Buffer.compare(found.subarray(0, bytesRead), wanted.subarray(0, bytesRead)) !== 0
        ) {
          throw new Error('it does not read back as it was written');
        }
        offset += bytesRead;
      }
    }
  } finally {
    await handle.close();
  }
}

async function attempt(file: string): Promise<Checkpoint | UnusableCheckpoint> {
  try {
    return await readCheckpoint(file);
  } catch (error) {
    if (error instanceof UnusableCheckpoint) return error;
    throw error;
  }
}

function nothingLeft(last: string, previous: string | undefined, hasBest: boolean): UnusableCheckpoint {
  const fault =
    previous === undefined
      ? `${last}, and there is none before it`
      : `neither checkpoint of this run can be used: ${last}; ${previous}`;
  return new UnusableCheckpoint(
    fault,
    hasBest ? 'best.safetensors may still be evaluated' : 'begin a new run',
  );
}
