/**
 * Who has logged in. A session is a cookie that this server has signed: the right that it gives, when it ends, a random
 * number, and a code over these by a key that is made of the secret that was shown. So no table holds it, nobody can push
 * others out of one, and it still holds when the coordinator is started again with the same secret. It ends by its age, by
 * logging out, or with another secret. Whatever is open for it then ends, too.
 */

import { createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** What a viewer may do: see the run, or also stop it and attach workers. */
export type Right = 'view' | 'control';

export interface Session {
  readonly right: Right;
}

export interface SessionLimits {
  readonly lifetimeMs: number;
  /** Of sessions that were logged out and would not have ended yet, of each right. */
  readonly mostLoggedOut: number;
}

/** A working day: whoever watches for longer logs in again. */
const USUAL_LIMITS: SessionLimits = { lifetimeMs: 12 * 3600_000, mostLoggedOut: 16_384 };
const NUMBER_BYTES = 16;
const KEY_BYTES = 32;
const COOKIE = /^(view|control)\.(\d{1,15})\.([\w-]{22})\.([\w-]{43})$/;

interface SignedSession extends Session {
  readonly endsAtMs: number;
  /** Tells it from others. */
  readonly number: string;
}

export class Sessions {
  private readonly keys: Readonly<Record<Right, Buffer | undefined>>;
  private readonly loggedOut: Readonly<Record<Right, LoggedOut>>;
  /** By the session's number: what is open for it. */
  private readonly open = new Map<string, Set<() => void>>();

  constructor(
    secrets: Readonly<Record<Right, string | undefined>>,
    private readonly limits: SessionLimits = USUAL_LIMITS,
  ) {
    this.keys = { view: keyOf(secrets.view), control: keyOf(secrets.control) };
    this.loggedOut = { view: new LoggedOut(limits), control: new LoggedOut(limits) };
  }

  get lifetimeMs(): number {
    return this.limits.lifetimeMs;
  }

  /** @returns the cookie's value */
  begin(right: Right): string {
    const content = `${right}.${Date.now() + this.limits.lifetimeMs}.${randomBytes(NUMBER_BYTES).toString('base64url')}`;
    return `${content}.${this.codeOf(right, content)!}`;
  }

  find(cookie: string): Session | undefined {
    return this.read(cookie);
  }

  /** Calls `close` when the session ends. @returns takes that back */
  whenEnded(cookie: string, close: () => void): () => void {
    const session = this.read(cookie);
    if (!session) {
      close();
      return () => undefined;
    }
    const { number, endsAtMs } = session;
    const closers = this.open.get(number) ?? new Set();
    this.open.set(number, closers.add(close));
    const timer = setTimeout(() => this.end(number), Math.max(0, endsAtMs - Date.now())).unref();
    return () => {
      clearTimeout(timer);
      closers.delete(close);
      if (closers.size === 0 && this.open.get(number) === closers) this.open.delete(number);
    };
  }

  /** Logs out: the cookie is worth nothing from now on. */
  close(cookie: string): void {
    const session = this.read(cookie);
    if (!session) return;
    this.loggedOut[session.right].add(session);
    this.end(session.number);
  }

  /** Ends what is open. */
  closeAll(): void {
    for (const number of [...this.open.keys()]) this.end(number);
  }

  private end(number: string): void {
    const closers = this.open.get(number);
    this.open.delete(number);
    for (const close of closers ?? []) close();
  }

  private read(cookie: string): SignedSession | undefined {
    const parts = COOKIE.exec(cookie);
    if (!parts) return undefined;
    const [, right, endsAt, number, code] = parts as unknown as [string, Right, string, string, string];
    const expected = this.codeOf(right, cookie.slice(0, -code.length - 1));
    if (expected === undefined || !timingSafeEqual(Buffer.from(code), Buffer.from(expected)))
      return undefined;
    const session = { right, endsAtMs: Number(endsAt), number };
    return session.endsAtMs > Date.now() && !this.loggedOut[right].has(session) ? session : undefined;
  }

  /** Undefined for a right that no secret gives. */
  private codeOf(right: Right, content: string): string | undefined {
    const key = this.keys[right];
    return key && createHmac('sha256', key).update(content).digest('base64url');
  }
}

/**
 * Made slowly, once: servers on other ports of this host are sent the cookie, too, and must not find a short secret by
 * trying.
 */
function keyOf(secret: string | undefined): Buffer | undefined {
  return secret === undefined ? undefined : scryptSync(secret, 'lockstep page session 1', KEY_BYTES);
}

/** The sessions that were logged out, until they would have ended. When there are too many, all that began before end. */
class LoggedOut {
  /** By number, when they end; about the first to end first. */
  private readonly ends = new Map<string, number>();
  private endedBeforeMs = 0;

  constructor(private readonly limits: SessionLimits) {}

  has({ number, endsAtMs }: SignedSession): boolean {
    return endsAtMs <= this.endedBeforeMs || this.ends.has(number);
  }

  add({ number, endsAtMs }: SignedSession): void {
    const nowMs = Date.now();
    for (const [each, endMs] of this.ends) if (endMs <= nowMs) this.ends.delete(each);
    this.ends.set(number, endsAtMs);
    if (this.ends.size <= this.limits.mostLoggedOut) return;
    this.endedBeforeMs = nowMs + this.limits.lifetimeMs;
    this.ends.clear();
  }
}
