/**
 * Serves the live page over run folders. It only reads: there is no request that changes anything. Three guards:
 *
 * - the token, where there is one, for everything that tells of runs (`Authorization: Bearer`, compared in constant time);
 * - without a token, only requests whose Host header names this machine's loopback: a page of another site that has its
 *   name resolved to 127.0.0.1 (DNS rebinding) gets nothing;
 * - a Content-Security-Policy by which the page loads and asks nothing but this server.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback, showsToken } from '../../coordinator/index.js';
import { describeError } from '../../foundation/errors.js';
import { advice, OptionError } from '../../foundation/options/optionError.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import type { RunsAnswer } from './api.js';
import type { PageFile } from './pageFiles.js';
import type { RunCatalog } from './runCatalog.js';

export interface PageServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: none is asked for, which is allowed on loopback only. */
  readonly token: string | undefined;
  readonly catalog: RunCatalog;
  /** By path: `/`, `/page.js`. */
  readonly files: ReadonlyMap<string, PageFile>;
}

export interface PageServer {
  /** Such as http://127.0.0.1:7080. */
  readonly url: string;
  close(): Promise<void>;
}

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

/** @throws LockstepError E_LISTEN */
export async function servePage(options: PageServerOptions): Promise<PageServer> {
  const { host, port, token } = options;
  if (token === undefined && !isLoopback(host)) {
    throw new OptionError(
      [`${host} can be reached from other machines, and the page has no token`],
      [advice('give ', { option: 'uiToken' }), advice('listen on 127.0.0.1')],
      'E_LISTEN',
    );
  }
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      if (!response.headersSent) respondJson(response, 500, { error: describeError(error) });
      else response.destroy();
    });
  });
  await listening(server, host, port);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    close: () => closed(server),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { token, catalog, files }: PageServerOptions,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return respondJson(response, 405, { error: 'only GET' });
  }
  if (token === undefined && !namesLoopback(request.headers.host)) {
    return respondJson(response, 403, { error: 'the Host header must name this machine, as in 127.0.0.1' });
  }
  const url = new URL(request.url ?? '/', 'http://page');
  const file = files.get(url.pathname);
  if (file) return respond(response, 200, file.type, file.content);
  if (!url.pathname.startsWith('/api/'))
    return respondJson(response, 404, { error: 'there is no such page' });
  if (token !== undefined && !showsToken(request, token)) {
    return respondJson(response, 401, { error: 'the token is missing or wrong' });
  }
  switch (url.pathname) {
    case '/api/runs': {
      const runs: RunsAnswer = { root: catalog.root, version: LOCKSTEP_VERSION, runs: await catalog.list() };
      return respondJson(response, 200, runs);
    }
    case '/api/run': {
      const { searchParams } = url;
      const run = await catalog.run(searchParams.get('id') ?? '', searchParams.has('steps'));
      return run
        ? respondJson(response, 200, run)
        : respondJson(response, 404, { error: 'there is no such run' });
    }
    case '/api/evaluation': {
      const { searchParams } = url;
      const found = await catalog.evaluation(searchParams.get('id') ?? '', searchParams.get('name') ?? '');
      return found
        ? respondJson(response, 200, found)
        : respondJson(response, 404, { error: 'there is no such evaluation' });
    }
    case '/api/filters': {
      const found = await catalog.filters(url.searchParams.get('id') ?? '');
      return found === undefined
        ? respondJson(response, 404, { error: 'there is no such run' })
        : respondJson(response, 200, found);
    }
    default:
      return respondJson(response, 404, { error: 'there is no such page' });
  }
}

function namesLoopback(host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return isLoopback(hostname);
}

function respondJson(response: ServerResponse, status: number, value: unknown): void {
  respond(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

function respond(response: ServerResponse, status: number, type: string, content: string | Buffer): void {
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(content),
  });
  response.end(content);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy =
        error.code === 'EADDRINUSE'
          ? advice('choose another port, as in ', { option: 'listen', value: '127.0.0.1:7081' })
          : advice('choose another ', { option: 'listen' });
      reject(new OptionError([`cannot listen on ${host}:${port} (${error.message})`], [remedy], 'E_LISTEN'));
    });
    server.listen(port, host, resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
