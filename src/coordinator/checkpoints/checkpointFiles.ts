/**
 * The checkpoint files of a run. A new file is written beside the old one, synced and read back before it replaces it. The
 * last checkpoint's predecessor is kept as `previous`, in case the last one is corrupt.
 */

import { existsSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError } from '../../foundation/errors.js';
import { readCheckpoint } from './checkpoint.js';
import type { StoredCheckpoint } from './checkpoint.js';
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
  /** @param mayWrite throws if this process no longer holds the files; called before a file is written, replaced or renamed */
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

  /** Whether there is a checkpoint to resume from. It may be damaged. */
  exist(): boolean {
    return existsSync(this.fileOf('last')) || existsSync(this.previousFile);
  }

  /**
   * Replaces a checkpoint as a whole.
   * @param pieces its content, in order
   * @throws LockstepError E_IO, and then the old file is intact; what `mayWrite` throws
   */
  async write(name: CheckpointName, pieces: readonly Uint8Array[]): Promise<void> {
    const target = this.fileOf(name);
    const temporary = `${target}.${process.pid}.tmp`;
    this.mayWrite(); // another process, of another container, may write a file of that very name
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
   * Reads the newest checkpoint that is not damaged.
   * @returns the checkpoint with its file, and what was wrong with the last one if it could not be used
   * @throws LockstepError E_CHECKPOINT if none is
   */
  async readNewest(): Promise<{
    readonly file: string;
    readonly checkpoint: StoredCheckpoint;
    readonly damage: string | undefined;
  }> {
    const last = await attempt(this.fileOf('last'));
    if (last instanceof UnusableCheckpoint) {
      const previous = await attempt(this.previousFile);
      if (previous instanceof UnusableCheckpoint) {
        const second = existsSync(this.previousFile) ? previous.fault : undefined;
        const best = await attempt(this.fileOf('best'));
        throw nothingLeft(last.fault, second, !(best instanceof UnusableCheckpoint));
      }
      return { file: this.previousFile, checkpoint: previous, damage: last.fault };
    }
    return { file: this.fileOf('last'), checkpoint: last, damage: undefined };
  }

  /**
   * Renames a damaged last checkpoint, so that it does not become the previous one.
   * @throws LockstepError E_IO; what `mayWrite` throws
   */
  async setLastAside(): Promise<void> {
    this.mayWrite();
    const last = this.fileOf('last');
    try {
      if (existsSync(last)) await rename(last, path.join(this.folder, DAMAGED));
    } catch (error) {
      throw ioError(last, error);
    }
  }

  /** Uses a hard link, so that there is a last checkpoint at every moment. Renames it if links are not supported. */
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
      // Renaming a link over another link of the same file does nothing, so the temporary name may still be there.
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

/** Detects errors of writing. The system may answer from its cache, so errors of the disk itself are not found here. */
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
          throw new Error('reading it back gives other data');
        }
        offset += bytesRead;
      }
    }
  } finally {
    await handle.close();
  }
}

async function attempt(file: string): Promise<StoredCheckpoint | UnusableCheckpoint> {
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
