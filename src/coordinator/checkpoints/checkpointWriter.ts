/**
 * Writes checkpoints in the background, one at a time. Of the waiting checkpoints of a name, only the newest is kept. A
 * checkpoint that cannot be written is tried again with the next one, until a newer one replaces it.
 */

import { LockstepError } from '../../foundation/errors.js';
import type { CheckpointFiles, CheckpointName } from './checkpointFiles.js';
import type { CheckpointSnapshot } from './checkpointSnapshot.js';
import { ioError } from './files.js';

export type SaveOutcome =
  | {
      readonly kind: 'saved';
      readonly writeMs: number;
      readonly byteCount: number;
      readonly recovered: boolean;
    }
  | {
      readonly kind: 'failed';
      readonly error: LockstepError;
      /** How many times in a row checkpoints of this name have failed. */
      readonly failures: number;
    };

export type SaveListener = (outcome: SaveOutcome) => void;

interface Waiting {
  readonly name: CheckpointName;
  readonly snapshot: CheckpointSnapshot;
  readonly onOutcome: SaveListener;
}

export class CheckpointWriter {
  /** Checkpoints that are not on disk yet, oldest first. */
  private readonly waiting = new Map<CheckpointName, Waiting>();
  /** For waiting checkpoints whose writing failed: the error, and the number of failures. */
  private readonly failures = new Map<
    CheckpointName,
    { readonly error: LockstepError; readonly count: number }
  >();
  private running: Promise<void> | undefined;

  constructor(private readonly files: CheckpointFiles) {}

  /** Returns at once. @param onOutcome called after each attempt; not called if a newer checkpoint replaces this one */
  save(name: CheckpointName, snapshot: CheckpointSnapshot, onOutcome: SaveListener): void {
    this.waiting.delete(name); // to the end of the queue
    this.waiting.set(name, { name, snapshot, onOutcome });
    this.running ??= this.writeAll();
  }

  /**
   * Waits until the newest checkpoint of each name is on disk. Tries failed ones once more.
   * @throws LockstepError E_IO if one cannot be written, except `epoch`, which is not essential
   */
  async flush(): Promise<void> {
    await this.running;
    if (this.waiting.size === 0) return;
    await (this.running ??= this.writeAll());
    for (const name of this.waiting.keys()) {
      const failure = this.failures.get(name);
      if (failure && name !== 'epoch') throw failure.error;
    }
  }

  /** Tries each waiting checkpoint once, including those added meanwhile. */
  private async writeAll(): Promise<void> {
    const tried = new Set<Waiting>();
    for (;;) {
      const next = [...this.waiting.values()].find((waiting) => !tried.has(waiting));
      if (!next) break;
      tried.add(next);
      await this.write(next);
    }
    this.running = undefined;
  }

  private async write(next: Waiting): Promise<void> {
    const { name, snapshot, onOutcome } = next;
    const startedMs = performance.now();
    let byteCount: number;
    try {
      const pieces = await snapshot.encode();
      byteCount = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
      await this.files.write(name, pieces);
    } catch (error) {
      const failure = error instanceof LockstepError ? error : ioError(this.files.fileOf(name), error);
      const count = (this.failures.get(name)?.count ?? 0) + 1;
      this.failures.set(name, { error: failure, count });
      onOutcome({ kind: 'failed', error: failure, failures: count });
      return;
    }
    if (this.waiting.get(name) === next) this.waiting.delete(name);
    const recovered = this.failures.delete(name);
    onOutcome({ kind: 'saved', writeMs: performance.now() - startedMs, byteCount, recovered });
  }
}
