/**
 * The page that makes a browser tab a worker. It holds no secret and tells nothing of the run, so it is given to everybody
 * who asks by a name of this server; the token is in the part of the address that browsers send to no server.
 */

import type { IncomingMessage } from 'node:http';
import type { RequestHandler, Routes, ServedHosts } from '../../coordinator/index.js';
import type { PageFile } from './pageFiles.js';
import { respondFile, respondJson } from './respond.js';

/** Where people go. */
export const JOIN_PATH = '/join';

/** @param files by path */
export function joinRoutes(files: ReadonlyMap<string, PageFile>, hosts: ServedHosts): Routes {
  const answer: RequestHandler = (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return respondJson(response, 405, { error: 'only GET' });
    }
    const origin = hosts.originOf(request);
    if (origin === undefined) return respondJson(response, 403, { error: UNKNOWN_NAME });
    const file = files.get(pathOf(request));
    if (!file) return respondJson(response, 404, { error: 'there is no such page' });
    return respondFile(request, response, file, { 'Content-Security-Policy': policyFor(origin) });
  };
  return new Map([...files.keys(), `${JOIN_PATH}/*`].map((path) => [path, answer]));
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
    "img-src 'self' blob: data:",
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
