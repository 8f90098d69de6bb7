/**
 * The coordinator's HTTP(S) server. One endpoint is upgraded to a WebSocket for peers that send the token; for browser tabs,
 * only if this server's own page asks. The token is compared before the upgrade, in constant time; nothing is parsed as a
 * message before that. Plain requests go to `routes`.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { describeError } from '../../foundation/errors.js';
import { advice, OptionError } from '../../foundation/options/optionError.js';
import { coordinatorChannel, FrameMemory, receiveLimits } from '../../protocol/index.js';
import type { CoordinatorChannel } from '../../protocol/index.js';
import { hasZone, isLoopback, isUnspecified } from './address.js';
import { ConnectionOutcomes } from './connectionOutcomes.js';
import { ConnectionSlots } from './connectionSlots.js';
import { asksForWebSocket, plainResponseTo } from './ignoredUpgrade.js';
import { guardedChannel } from './peerGuard.js';
import { answerBy, handlerFor } from './routes.js';
import type { Routes } from './routes.js';
import type { ServedHosts } from './servedHosts.js';
import { chosenSubprotocol, refusalOf } from './upgradeRequest.js';

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly token: string | undefined;
  /** A secret for nodes alone: it is as good as `token` here, and opens no page. Left out: there is none. */
  readonly joinToken?: string | undefined;
  /** The names by which this server's own page may attach browser tabs; left out: none may. */
  readonly tabsAt?: ServedHosts | undefined;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Whether to listen beyond loopback without TLS. */
  readonly insecure: boolean;
  readonly maxFrameBytes: number;
  /** Disconnect a node after this many milliseconds of silence; default: the protocol's. */
  readonly heartbeatTimeoutMs?: number;
  /** Nodes attached at the same time; further ones are asked to come later. Default: DEFAULT_MAX_NODES. */
  readonly maxNodes?: number;
  /** Time from the TCP connection to the upgrade. */
  readonly handshakeTimeoutMs?: number;
  /** How long a node may read nothing while messages wait for it. */
  readonly unreadTimeoutMs?: number;
  readonly onChannel: (channel: CoordinatorChannel) => void;
  /** Who answers plain HTTP; nobody, if left out. */
  readonly routes?: Routes | undefined;
  /** Called for every refused connection. @param address the host, without the port */
  readonly onRefused?: (address: string, reason: string) => void;
}

export interface CoordinatorServer {
  /** An address by which this machine can reach the server, and other machines as far as can be told. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export const DEFAULT_MAX_NODES = 512;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Connections before the upgrade: at least this many, and as many as there may be nodes, which may all come at once. */
const MIN_PENDING = 64;
/** Connections for pages, which one browser opens up to six of. */
const MAX_VIEWERS = 256;
/** A node's request has five short headers; a browser's may have cookies of all servers on this machine. */
const MAX_HEADER_BYTES = 16 * 1024;
/** For one request of a viewer, which has kept its connection; Node looks at intervals. */
const REQUEST_TIMEOUT_MS = 10_000;
const HTTP_LIMITS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 2_000,
};
/** A link that needs longer for the weights of a large model is too slow to be useful. */
const UNREAD_TIMEOUT_MS = 30_000;

export type ListenAddress = Pick<ListenOptions, 'host' | 'port' | 'token' | 'tls' | 'insecure'>;

/**
 * Checks whether `listen` can work, before hours are spent on what comes before it. Admits nobody.
 * @throws LockstepError E_LISTEN if the address is taken, or too public for the protection given
 */
export async function refuseUnusable(options: ListenAddress): Promise<void> {
  refuseUnprotected(options);
  const server = options.tls ? createProtectedServer(options.tls) : createServer();
  server.on('connection', (socket: Socket) => socket.destroy()); // a worker that tries to reach us: it tries again
  await startListening(server, options.host, options.port);
  await new Promise((resolve) => server.close(resolve));
}

/** @throws LockstepError E_LISTEN if the address is taken, or too public for the protection given */
export async function listen(options: ListenOptions): Promise<CoordinatorServer> {
  refuseUnprotected(options);
  const { host, port, tls, token, joinToken, tabsAt, maxFrameBytes, onChannel } = options;
  const { maxNodes = DEFAULT_MAX_NODES } = options;
  const server = tls ? createProtectedServer(tls) : createServer(HTTP_LIMITS);
  const sockets = new WebSocketServer({
    noServer: true,
    ...receiveLimits(maxFrameBytes),
    perMessageDeflate: false,
    handleProtocols: chosenSubprotocol,
  });
  const frameMemory = new FrameMemory(maxFrameBytes);
  const outcomes = new ConnectionOutcomes((address, reason) => options.onRefused?.(address, reason));
  outcomes.watch(server);
  const slots = new ConnectionSlots(
    {
      maxNodes,
      maxPending: Math.max(MIN_PENDING, maxNodes),
      maxViewers: MAX_VIEWERS,
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    },
    (socket, reason) => outcomes.refused(socket, reason),
  );
  const { unreadTimeoutMs = UNREAD_TIMEOUT_MS, routes = new Map() } = options;
  server.timeout = unreadTimeoutMs; // of viewers: ws takes it off the sockets of nodes
  server.on('connection', (socket: Socket) => slots.open(socket));
  sockets.on('wsClientError', (error, socket, request) => {
    outcomes.refused(request.socket, `a malformed WebSocket upgrade (${error.message})`);
    refuse(socket, '400 Bad Request');
  });
  const answerPlain = (request: IncomingMessage, response: ServerResponse): void => {
    const handler = handlerFor(routes, request);
    if (!handler) {
      outcomes.refused(request.socket, 'a plain HTTP request, not a worker');
      return answerPlainRequest(response);
    }
    outcomes.admitted(request.socket);
    slots.view(request.socket);
    void answerBy(handler, request, response);
  };
  server.on('request', answerPlain);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const isPlain = !asksForWebSocket(request) && ['GET', 'HEAD'].includes(request.method ?? '');
    if (isPlain) return answerPlain(request, plainResponseTo(request));
    const refusal = refusalOf(request, { token, joinToken, tabsAt, isFull: slots.isFull });
    if (refusal) {
      outcomes.refused(request.socket, refusal.reason);
      return refuse(socket, refusal.status);
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      slots.upgrade(request.socket);
      outcomes.admitted(request.socket);
      const peerName = peerOf(request);
      const { heartbeatTimeoutMs } = options;
      const connect = (mayDecode: () => boolean): CoordinatorChannel =>
        coordinatorChannel(webSocket, peerName, request.socket, {
          heartbeatTimeoutMs,
          mayDecode,
          frameMemory,
        });
      onChannel(guardedChannel(webSocket, request.socket, connect, { unreadTimeoutMs }));
    });
  });
  await startListening(server, host, port);
  const address = server.address() as AddressInfo;
  const hasName = isUnspecified(address.address) || hasZone(address.address);
  const reachable = hasName ? hostname() : address.address;
  const shownHost = reachable.includes(':') ? `[${reachable}]` : reachable;
  return {
    url: `${tls ? 'wss' : 'ws'}://${shownHost}:${address.port}`,
    port: address.port,
    close: () => {
      slots.closeOthers();
      return closeServer(server, sockets);
    },
  };
}

function createProtectedServer({ cert, key }: { readonly cert: string; readonly key: string }): Server {
  try {
    return createTlsServer({ cert, key, ...HTTP_LIMITS });
  } catch (error) {
    throw new OptionError(
      [`the certificate and key cannot be used: ${describeError(error)}`],
      [
        advice('give a PEM certificate chain with ', { option: 'tlsCert' }, ' and its private key with ', {
          option: 'tlsKey',
        }),
      ],
      'E_LISTEN',
    );
  }
}

function startListening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy =
        error.code === 'EADDRINUSE'
          ? 'another process listens there: choose another port with '
          : 'choose an address of this machine with ';
      reject(
        new OptionError(
          [`cannot listen on ${host}:${port}: ${describeError(error)}`],
          [advice(remedy, { option: 'listen' })],
          'E_LISTEN',
        ),
      );
    });
    server.listen(port, host, () => {
      // Later errors concern single connections, for example for lack of file handles. They do not end the run.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

/** Nodes have been sent `bye` by then. Connections that stay open are closed after 2 s. */
function closeServer(server: Server, sockets: WebSocketServer): Promise<void> {
  return new Promise((resolve) => {
    const closing = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
    }, 2_000);
    server.close(() => {
      clearTimeout(closing);
      resolve();
    });
  });
}

function refuseUnprotected({ host, token, tls, insecure }: ListenAddress): void {
  if (isLoopback(host)) return;
  if (token === undefined) {
    throw new OptionError(
      [`${host} can be reached from other machines, so a token is required`],
      [advice('give one with ', { option: 'token' })],
      'E_LISTEN',
    );
  }
  if (!tls && !insecure) {
    throw new OptionError(
      [`${host} can be reached from other machines, and without TLS the token travels in the clear`],
      [
        advice('give ', { option: 'tlsCert' }, ' and ', { option: 'tlsKey' }),
        advice('accept that in a network you trust with ', { option: 'insecure', value: true }),
      ],
      'E_LISTEN',
    );
  }
}

/** Closes the connection after the answer, without reading the request's body. */
function answerPlainRequest(response: ServerResponse): void {
  response
    .writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
    .end('This is a Lockstep coordinator: use "lockstep worker".\n');
}

function peerOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}

function refuse(socket: Duplex, status: string): void {
  socket.resume(); // discards what it still sends
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
