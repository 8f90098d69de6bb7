/**
 * Lets only one thread, of all processes, measure at a time. A file that only one can create names the owner. If the owner's
 * process is gone, the lock is taken over. Two that measure at once would do no harm: the cache keeps what came first.
 */

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from '../../../foundation/isRunning.js';

const POLL_MS = 100;

export type LockOutcome = 'mine' | 'still held' | 'impossible';

export class TuningLock {
  private readonly owner = JSON.stringify({ host: hostname(), pid: process.pid, id: randomUUID() });

  constructor(private readonly file: string) {}

  /**
   * @param limitMs longer than any measurement. An owner that still holds the lock then hangs, or its id now belongs to
   *   another process. Its lock is removed, so that nobody waits for it again
   * @returns `impossible` if the folder cannot be written
   */
  async acquire(limitMs: number): Promise<LockOutcome> {
    const startedMs = performance.now();
    const first = this.holder();
    for (;;) {
      const outcome = this.tryOnce();
      if (outcome !== 'still held') return outcome;
      if (performance.now() - startedMs > limitMs) break;
      await delay(POLL_MS);
    }
    if (first !== undefined && this.holder() === first) this.remove(first);
    return 'still held';
  }

  tryOnce(): LockOutcome {
    try {
      mkdirSync(path.dirname(this.file), { recursive: true });
    } catch {
      return 'impossible';
    }
    try {
      const holder = this.holder();
      if (holder !== undefined && this.isGone(holder)) this.remove(holder);
      this.create();
      return 'mine';
    } catch (error) {
      // EPERM: Windows returns this for a file that is being removed.
      const { code } = error as NodeJS.ErrnoException;
      const isHeld = code === 'EEXIST' || (code === 'EPERM' && existsSync(this.file));
      return isHeld ? 'still held' : 'impossible';
    }
  }

  private create(): void {
    const file = openSync(this.file, 'wx');
    try {
      writeSync(file, this.owner);
    } catch (error) {
      rmSync(this.file, { force: true }); // on a full disk the file is created but stays empty: it would have no owner
      throw error;
    } finally {
      closeSync(file);
    }
  }

  release(): void {
    try {
      if (this.holder() === this.owner) rmSync(this.file, { force: true });
    } catch {
      // It becomes old, and is then taken over.
    }
  }

  private holder(): string | undefined {
    try {
      return readFileSync(this.file, 'utf8');
    } catch {
      return undefined;
    }
  }

  private isGone(holder: string): boolean {
    const { host, pid } = parseOwner(holder);
    return host === hostname() && pid !== undefined && !isRunning(pid);
  }

  /** Removes the lock of `holder`, but not one that another has made meanwhile. */
  private remove(holder: string): void {
    const aside = `${this.file}.${randomUUID()}.tmp`;
    try {
      renameSync(this.file, aside);
      const isAnother = readFileSync(aside, 'utf8') !== holder;
      if (isAnother && this.holder() === undefined) renameSync(aside, this.file);
      else rmSync(aside, { force: true });
    } catch {
      // Another was faster.
    }
  }
}

function parseOwner(text: string): { readonly host?: unknown; readonly pid?: number } {
  try {
    const owner: unknown = JSON.parse(text);
    if (typeof owner !== 'object' || owner === null) return {};
    const { host, pid } = owner as { host?: unknown; pid?: unknown };
    return Number.isSafeInteger(pid) && (pid as number) > 0 ? { host, pid: pid as number } : {};
  } catch {
    return {};
  }
}
