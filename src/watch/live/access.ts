/**
 * Who may see a run, and who may stop it. Two secrets, each with a right of its own: the token that workers show gives
 * control, the viewers' secret gives sight alone. A browser logs in with either and gets a cookie that scripts cannot read; a
 * program shows it as `Authorization: Bearer`. Without any secret everyone on this machine has every right.
 */

import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { bearerOf, isSameSecret, RateLimiter } from '../../coordinator/index.js';
import { Sessions } from './sessions.js';
import type { Right, SessionLimits } from './sessions.js';

export interface Secrets {
  /** The token of workers. */
  readonly control: string | undefined;
  readonly view: string | undefined;
}

/** What a request may do, and how it has shown that. */
export interface Grant {
  readonly right: Right;
  /** The cookie; undefined for a bearer of a secret, and where none is asked for. */
  readonly sessionId: string | undefined;
  /** Sent by a program on purpose: no other site can make a browser send that. */
  readonly isBearer: boolean;
}

/** Guesses of one address, and of all. */
const LOGINS = { atOnce: 10, perMinute: 20 };
const ALL_LOGINS = { atOnce: 100, perMinute: 200 };

export class Access {
  readonly sessions: Sessions;
  private readonly logins = new RateLimiter(LOGINS, ALL_LOGINS);

  constructor(
    private readonly secrets: Secrets,
    limits?: SessionLimits,
  ) {
    this.sessions = new Sessions(secrets, limits);
  }

  /** No secret is asked for: for this machine alone. */
  get isOpen(): boolean {
    return this.secrets.control === undefined && this.secrets.view === undefined;
  }

  /** Undefined for a request that may see nothing. */
  grantOf(request: IncomingMessage): Grant | undefined {
    if (this.isOpen) return { right: 'control', sessionId: undefined, isBearer: false };
    const shown = bearerOf(request);
    if (shown !== undefined) {
      const right = this.rightFor(shown);
      return right && { right, sessionId: undefined, isBearer: true };
    }
    for (const sessionId of cookiesOf(request, cookieNameFor(request))) {
      const session = this.sessions.find(sessionId);
      if (session) return { right: session.right, sessionId, isBearer: false };
    }
    return undefined;
  }

  /** What a secret is good for. Compared in constant time, with every secret that there is. */
  rightFor(shown: string): Right | undefined {
    const matches = (secret: string | undefined): boolean =>
      secret === undefined ? false : isSameSecret(shown, secret);
    const [control, view] = [matches(this.secrets.control), matches(this.secrets.view)];
    return control ? 'control' : view ? 'view' : undefined;
  }

  /** Whether this address may try to log in now. */
  mayTry(address: string): boolean {
    return this.logins.take(address, performance.now());
  }
}

/** Cookies of servers on other ports of a host have the same place: the name tells them apart. */
export function cookieNameFor({ socket }: IncomingMessage): string {
  const name = `lockstep-${socket.localPort}`;
  return isEncrypted(socket) ? `__Host-${name}` : name;
}

/** The header that sets the cookie; without an id, the one that removes it. */
export function cookieHeader(request: IncomingMessage, id: string | undefined, lifetimeMs: number): string {
  const secure = isEncrypted(request.socket) ? '; Secure' : '';
  const age = id === undefined ? 0 : Math.floor(lifetimeMs / 1000);
  return `${cookieNameFor(request)}=${id ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
}

/** All of this name: a page of a neighbouring host may set another, which must not shadow ours. */
function cookiesOf({ headers }: IncomingMessage, name: string): readonly string[] {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []));
}

function isEncrypted(socket: IncomingMessage['socket']): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}
