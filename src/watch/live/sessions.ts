/**
 * Who has logged in. A session is a random cookie, of which only the digest is kept; it ends by logging out, by its age, or
 * when many others came after it. Whatever is open for it then ends, too.
 */

import { createHash, randomBytes } from 'node:crypto';

/** What a viewer may do: see the run, or also stop it and attach workers. */
export type Right = 'view' | 'control';

export interface Session {
  readonly right: Right;
  readonly endsAtMs: number;
}

export interface SessionLimits {
  readonly lifetimeMs: number;
  readonly most: number;
}

/** A working day: whoever watches for longer logs in again. */
const USUAL_LIMITS: SessionLimits = { lifetimeMs: 12 * 3600_000, most: 256 };
const ID_BYTES = 32;
const SWEEP_MS = 1_000;

interface Entry extends Session {
  readonly closers: Set<() => void>;
}

export class Sessions {
  /** By the digest of the cookie, the oldest first. */
  private readonly entries = new Map<string, Entry>();
  private sweeper: NodeJS.Timeout | undefined;

  constructor(private readonly limits: SessionLimits = USUAL_LIMITS) {}

  get lifetimeMs(): number {
    return this.limits.lifetimeMs;
  }

  /** @returns the cookie's value */
  open(right: Right): string {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const endsAtMs = performance.now() + this.limits.lifetimeMs;
    this.entries.set(digestOf(id), { right, endsAtMs, closers: new Set() });
    if (this.entries.size > this.limits.most) this.end(this.entries.keys().next().value!);
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return id;
  }

  find(id: string): Session | undefined {
    const entry = this.entries.get(digestOf(id));
    return entry && entry.endsAtMs > performance.now() ? entry : undefined;
  }

  /** Calls `close` when the session ends. @returns takes that back */
  whenEnded(id: string, close: () => void): () => void {
    const closers = this.entries.get(digestOf(id))?.closers;
    closers?.add(close);
    return () => void closers?.delete(close);
  }

  close(id: string): void {
    this.end(digestOf(id));
  }

  closeAll(): void {
    clearInterval(this.sweeper);
    for (const digest of [...this.entries.keys()]) this.end(digest);
  }

  private end(digest: string): void {
    const entry = this.entries.get(digest);
    this.entries.delete(digest);
    for (const close of entry?.closers ?? []) close();
  }

  private sweep(): void {
    const nowMs = performance.now();
    for (const [digest, { endsAtMs }] of [...this.entries]) if (endsAtMs <= nowMs) this.end(digest);
    if (this.entries.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }
}

/** Looking up a digest tells nothing about the cookies that there are, however long it takes. */
function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
