/** Who may become a node: a process that shows a secret in a header, or a tab of this server's own page. */

import type { IncomingMessage } from 'node:http';
import { ENDPOINT_PATH, SUBPROTOCOL, tokenInSubprotocols } from '../../protocol/index.js';
import { isOfThisServer } from './servedHosts.js';
import type { ServedHosts } from './servedHosts.js';
import { bearerOf, isSameSecret } from './showsToken.js';

export interface UpgradeRules {
  /** Undefined: none is asked for. */
  readonly token: string | undefined;
  /** Another secret that is as good here, and nowhere else. */
  readonly joinToken: string | undefined;
  /** By which names pages of this server may ask; undefined: no page may. */
  readonly tabsAt: ServedHosts | undefined;
  readonly isFull: boolean;
}

export interface Refusal {
  /** Of HTTP. */
  readonly status: string;
  readonly reason: string;
}

/** Why the request is refused; undefined if it is not. */
export function refusalOf(request: IncomingMessage, rules: UpgradeRules): Refusal | undefined {
  if (pathOf(request) !== ENDPOINT_PATH) return { status: '404 Not Found', reason: 'a wrong path' };
  // Only browsers send an origin. A web page must not join a run without its reader's consent.
  const wrongPage = request.headers.origin === undefined ? undefined : wrongPageOf(request, rules.tabsAt);
  if (wrongPage !== undefined) return { status: '403 Forbidden', reason: wrongPage };
  if (!showsSecret(request, rules)) {
    const reason = shownSecret(request) === undefined ? 'no token' : 'a wrong token';
    return { status: '401 Unauthorized', reason };
  }
  if (rules.isFull) {
    return { status: '503 Service Unavailable', reason: 'as many nodes are attached as may be' };
  }
  return undefined;
}

function wrongPageOf(request: IncomingMessage, tabsAt: ServedHosts | undefined): string | undefined {
  if (!tabsAt) return 'a web page';
  if (isOfThisServer(request, tabsAt)) return undefined;
  return tabsAt.originOf(request) === undefined
    ? 'a web page that knows this server by a name that is not its own'
    : 'a web page of another site';
}

/** The subprotocol to answer with. Never the one that holds the token. */
export function chosenSubprotocol(offered: ReadonlySet<string>): string | false {
  return offered.has(SUBPROTOCOL) && SUBPROTOCOL;
}

/** Each secret is compared, in constant time, whichever is the right one. */
function showsSecret(request: IncomingMessage, { token, joinToken }: UpgradeRules): boolean {
  const secrets = [token, joinToken].filter((secret) => secret !== undefined);
  if (secrets.length === 0) return true;
  const shown = shownSecret(request) ?? '';
  return secrets.map((secret) => isSameSecret(shown, secret)).includes(true);
}

/** Without a header that shows one, it may be among the subprotocols. */
function shownSecret(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) return bearerOf(request) ?? '';
  return tokenInSubprotocols(request.headers['sec-websocket-protocol']);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?')[0]!;
}
