/** A server of its own for the live page: of `lockstep ui`, and of a run that listens to no nodes. */

import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerBy, handlerFor, isLoopback, mergeRoutes } from '../../coordinator/index.js';
import type { Routes } from '../../coordinator/index.js';
import { advice, OptionError } from '../../foundation/options/optionError.js';
import { pageOf } from './pageRoutes.js';
import type { PageOptions } from './pageRoutes.js';
import { respondJson } from './respond.js';

export interface PageAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The option that says so, for messages. */
  readonly option: 'listen' | 'ui';
}

export interface PageServerOptions extends PageAddress, PageOptions {
  /** What the same server answers besides. */
  readonly moreRoutes?: Routes;
}

export interface PageServer {
  /** Such as http://127.0.0.1:7080. */
  readonly url: string;
  close(): Promise<void>;
}

/** A viewer that reads nothing for so long is disconnected. */
const UNREAD_TIMEOUT_MS = 30_000;
const LIMITS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 };

/** @throws LockstepError E_LISTEN */
export async function servePage(options: PageServerOptions): Promise<PageServer> {
  const page = pageOf(options);
  const routes = mergeRoutes(page.routes, options.moreRoutes ?? new Map());
  const server = await serveRoutes(options, options.secrets, routes);
  return {
    url: server.url,
    close: async () => {
      await page.close();
      await server.close();
    },
  };
}

/** @throws LockstepError E_LISTEN */
export async function serveRoutes(
  address: PageAddress,
  secrets: PageOptions['secrets'],
  routes: Routes,
): Promise<PageServer> {
  const { host, option } = address;
  if (secrets.view === undefined && secrets.control === undefined && !isLoopback(host)) {
    throw new OptionError(
      [`${host} can be reached from other machines, and the page has no token`],
      [
        advice('give ', { option: 'uiToken' }),
        advice('give ', { option }, ' an address of this machine, such as 127.0.0.1:7080'),
      ],
      'E_LISTEN',
    );
  }
  const server = createServer(LIMITS, (request, response) => {
    const handler = handlerFor(routes, request);
    if (!handler) return respondJson(response, 404, { error: 'there is no such page' });
    void answerBy(handler, request, response);
  });
  server.timeout = UNREAD_TIMEOUT_MS;
  server.maxConnections = 512;
  await listening(server, address);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    close: () => closed(server),
  };
}

/** Checks whether the page can be served there, before hours are spent. @throws LockstepError E_LISTEN */
export async function refuseUnusablePage(
  address: PageAddress,
  secrets: PageOptions['secrets'],
): Promise<void> {
  await (await serveRoutes(address, secrets, new Map())).close();
}

function listening(server: Server, { host, port, option }: PageAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy =
        error.code === 'EADDRINUSE'
          ? advice('choose another port, as in ', { option, value: '127.0.0.1:7081' })
          : advice('choose an address of this machine with ', { option });
      reject(new OptionError([`cannot listen on ${host}:${port} (${error.message})`], [remedy], 'E_LISTEN'));
    });
    server.listen(port, host, () => {
      server.on('error', () => undefined); // of single connections
      resolve();
    });
  });
}

/** Answers that are on their way arrive; what stays open is cut. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), 500);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
