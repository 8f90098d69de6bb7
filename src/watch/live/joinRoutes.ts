/**
 * The page that makes a browser tab a worker. It holds no secret and tells nothing of the run, so it is given to everybody
 * who asks by a name of this server; the token is in the part of the address that browsers send to no server. A tab that is
 * attached is told a little of the run.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler, Routes, ServedHosts } from '../../coordinator/index.js';
import { NODE_HEADER, RUN_PATH } from './api.js';
import type { TabAnswer, TabLosses } from './api.js';
import type { PageFile } from './pageFiles.js';
import { respondFile, respondJson } from './respond.js';

/** Where people go. */
export const JOIN_PATH = '/join';

export interface JoinPart {
  /** By path. */
  readonly files: ReadonlyMap<string, PageFile>;
  readonly hosts: ServedHosts;
  /** Whether a node with this secret is attached. */
  readonly isAttached: (nodeSecret: string) => boolean;
  readonly losses: () => Promise<TabLosses>;
}

export function joinRoutes({ files, hosts, isAttached, losses }: JoinPart): Routes {
  const page: RequestHandler = (request, response) => {
    const origin = originFor(request, response, hosts);
    if (origin === undefined) return;
    const file = files.get(pathOf(request));
    if (!file) return respondJson(response, 404, { error: 'there is no such page' });
    return respondFile(request, response, file, { 'Content-Security-Policy': policyFor(origin) });
  };
  const run: RequestHandler = async (request, response) => {
    if (originFor(request, response, hosts) === undefined) return;
    const nodeSecret = request.headers[NODE_HEADER];
    const isNode = typeof nodeSecret === 'string' && isAttached(nodeSecret);
    const answer: TabAnswer = isNode ? { isAttached: true, losses: await losses() } : { isAttached: false };
    respondJson(response, 200, answer, CLOSED);
  };
  const ofPage = [...files.keys(), `${JOIN_PATH}/*`].map((path) => [path, page] as const);
  return new Map([...ofPage, [RUN_PATH, run]]);
}

/** A connection is kept for 5 s and a tab asks every 10 s: kept ones would only take the places of viewers. */
const CLOSED = { Connection: 'close' };

/** @returns the origin by which the request names this server; undefined if it may not ask, and has been told so */
function originFor(
  request: IncomingMessage,
  response: ServerResponse,
  hosts: ServedHosts,
): string | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    respondJson(response, 405, { error: 'only GET' });
    return undefined;
  }
  const origin = hosts.originOf(request);
  if (origin === undefined) respondJson(response, 403, { error: UNKNOWN_NAME });
  return origin;
}

const UNKNOWN_NAME =
  'this coordinator does not know itself by the name in your address: ask by its IP address, or let it advertise that name when it is started';

/**
 * The page loads and asks nothing but this server, and its threads may compile WebAssembly. Safari does not take 'self' for
 * WebSockets, so the address is named as well; the policy has no way to name an address of IPv6.
 */
function policyFor(origin: string): string {
  const socket = origin.includes('[') ? '' : ` ${origin.replace(/^http/, 'ws')}`;
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${socket}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** With or without a stroke at the end. */
function pathOf({ url = '' }: IncomingMessage): string {
  const path = url.split('?')[0]!;
  return path === `${JOIN_PATH}/` ? JOIN_PATH : path;
}
