/**
 * Writes checkpoints behind the training's back: one at a time, and of those that wait only the newest of each name. One
 * that cannot be written is tried again with the next, until a newer one takes its place: the disk may have room again.
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
      /** How often in a row it has failed for checkpoints of this name. */
      readonly failures: number;
      /** Another name has failed as often for the same reason: there is nothing new to say. */
      readonly isKnown: boolean;
    };

export type SaveListener = (outcome: SaveOutcome) => void;

interface Waiting {
  readonly name: CheckpointName;
  readonly snapshot: CheckpointSnapshot;
  readonly onOutcome: SaveListener;
}

interface Failure {
  readonly error: LockstepError;
  readonly count: number;
}

export class CheckpointWriter {
  /** What is not on disk yet, in the order of its coming. */
  private readonly waiting = new Map<CheckpointName, Waiting>();
  /** Of those that wait, why they could not be written, and how often they could not. */
  private readonly failures = new Map<CheckpointName, Failure>();
  private running: Promise<void> | undefined;

  constructor(private readonly files: CheckpointFiles) {}

  /** Returns at once. @param onOutcome called after each attempt; not at all if a newer one overtakes it */
  save(name: CheckpointName, snapshot: CheckpointSnapshot, onOutcome: SaveListener): void {
    this.waiting.delete(name); // to the end of the queue
    this.waiting.set(name, { name, snapshot, onOutcome });
    this.running ??= this.writeAll();
  }

  /**
   * Waits until the newest of each name is on disk; what has failed before is tried once more.
   * @throws LockstepError E_IO if one of them cannot be written, except `epoch`, which a run can do without
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

  /** Tries each that waits, and those that come meanwhile, once. Only while something waits. */
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
      const others = [...this.failures].filter(([other]) => other !== name).map(([, known]) => known);
      const isKnown = others.some((other) => other.count >= count && isSameReason(other.error, failure));
      this.failures.set(name, { error: failure, count });
      onOutcome({ kind: 'failed', error: failure, failures: count, isKnown });
      return;
    }
    if (this.waiting.get(name) === next) this.waiting.delete(name);
    const recovered = this.failures.delete(name) && this.failures.size === 0;
    onOutcome({ kind: 'saved', writeMs: performance.now() - startedMs, byteCount, recovered });
  }
}

/** The system's own code: messages name the file, too. */
function isSameReason(a: LockstepError, b: LockstepError): boolean {
  const codeOf = ({ cause }: LockstepError): unknown => (cause as NodeJS.ErrnoException | undefined)?.code;
  return codeOf(a) !== undefined && codeOf(a) === codeOf(b);
}
