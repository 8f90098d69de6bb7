/**
 * The coordinator's door: an HTTP(S) server whose one endpoint becomes a WebSocket, for those who show the token.
 * The token is compared before the upgrade, in constant time; nothing a stranger sends is parsed as a message.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { coordinatorChannel, ENDPOINT_PATH, receiveLimits } from '../../protocol/index.js';
import type { CoordinatorChannel } from '../../protocol/index.js';
import { hasZone, isLoopback, isUnspecified } from './address.js';
import { Callers } from './connectionOutcomes.js';
import { DoorPlaces } from './connectionSlots.js';
import { guardedChannel } from './peerGuard.js';

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly token: string | undefined;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Listen beyond loopback without TLS all the same. */
  readonly insecure: boolean;
  readonly maxFrameBytes: number;
  /** Nodes that give no sign of life for so long are cut off; left out: the protocol's default. */
  readonly heartbeatTimeoutMs?: number;
  /** Nodes attached at the same time; further ones are asked to come later. DEFAULT_MAX_NODES if left out. */
  readonly maxNodes?: number;
  /** From the connection to the upgrade. */
  readonly handshakeTimeoutMs?: number;
  /** How long a node may read nothing of what waits for it. */
  readonly unreadTimeoutMs?: number;
  readonly onChannel: (channel: CoordinatorChannel) => void;
  /** Told of every connection that becomes no node's. @param address the host, without the port */
  readonly onRefused?: (address: string, reason: string) => void;
}

export interface CoordinatorServer {
  /** By which this machine, and others as far as the address tells, can reach it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export const DEFAULT_MAX_NODES = 512;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Strangers at the door at the same time: as many as there may be nodes, for they may all come at once, and not fewer. */
const LEAST_STRANGERS = 64;
/** A node's request has five short headers. */
const MAX_HEADER_BYTES = 8 * 1024;
/** A link on which the weights of a large model take longer is of no use. */
const UNREAD_TIMEOUT_MS = 30_000;

export type ListenAddress = Pick<ListenOptions, 'host' | 'port' | 'token' | 'tls' | 'insecure'>;

/**
 * Finds out whether `listen` can work, before hours are spent on what comes before it. Nobody is let in.
 * @throws LockstepError E_LISTEN if the address is taken, or too public for the protection given
 */
export async function refuseUnusable(options: ListenAddress): Promise<void> {
  refuseUnprotected(options);
  const server = options.tls ? createProtectedServer(options.tls) : createServer();
  server.on('connection', (socket: Socket) => socket.destroy()); // a worker that waits for us: it tries again
  await startListening(server, options.host, options.port);
  await new Promise((resolve) => server.close(resolve));
}

/** @throws LockstepError E_LISTEN if the address is taken, or too public for the protection given */
export async function listen(options: ListenOptions): Promise<CoordinatorServer> {
  refuseUnprotected(options);
  const { host, port, tls, token, maxFrameBytes, maxNodes = DEFAULT_MAX_NODES, onChannel } = options;
  const server = tls ? createProtectedServer(tls) : createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  const sockets = new WebSocketServer({
    noServer: true,
    ...receiveLimits(maxFrameBytes),
    perMessageDeflate: false,
  });
  const callers = new Callers((address, reason) => options.onRefused?.(address, reason));
  callers.watch(server);
  const places = new DoorPlaces(
    {
      maxNodes,
      maxStrangers: Math.max(LEAST_STRANGERS, maxNodes),
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    },
    (socket, reason) => callers.refused(socket, reason),
  );
  const { unreadTimeoutMs = UNREAD_TIMEOUT_MS } = options;
  server.on('connection', (socket: Socket) => places.arrive(socket));
  sockets.on('wsClientError', (error, socket, request) => {
    callers.refused(request.socket, `a malformed WebSocket upgrade (${error.message})`);
    turnAway(socket, '400 Bad Request');
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    callers.refused(request.socket, 'a plain HTTP request, not a worker');
    answerPlainRequest(response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, { token, isFull: places.isFull });
    if (refusal) {
      callers.refused(request.socket, refusal.reason);
      return turnAway(socket, refusal.status);
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      places.enter(request.socket);
      callers.admitted(request.socket);
      const peerName = peerOf(request);
      const connect = (mayDecode: () => boolean): CoordinatorChannel =>
        coordinatorChannel(webSocket, peerName, request.socket, options.heartbeatTimeoutMs, mayDecode);
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
      places.closeStrangers();
      return closeServer(server, sockets);
    },
  };
}

/** What a request to become a node is turned away for, if for anything. */
function refusalOf(
  request: IncomingMessage,
  { token, isFull }: { readonly token: string | undefined; readonly isFull: boolean },
): { readonly status: string; readonly reason: string } | undefined {
  if (pathOf(request) !== ENDPOINT_PATH) return { status: '404 Not Found', reason: 'a wrong path' };
  // Only browsers send an origin. A web page must not join a run without its reader's consent.
  if (request.headers.origin !== undefined) return { status: '403 Forbidden', reason: 'a web page' };
  if (token !== undefined && !showsToken(request, token)) {
    const shown = request.headers.authorization === undefined ? 'no token' : 'a wrong token';
    return { status: '401 Unauthorized', reason: shown };
  }
  if (isFull) return { status: '503 Service Unavailable', reason: 'as many workers as --max-nodes allows' };
  return undefined;
}

function createProtectedServer({ cert, key }: { readonly cert: string; readonly key: string }): Server {
  try {
    return createTlsServer({ cert, key, maxHeaderSize: MAX_HEADER_BYTES });
  } catch (error) {
    throw new LockstepError(
      'E_LISTEN',
      `the certificate and key cannot be used: ${describeError(error)}; give a PEM certificate chain with --tls-cert and its private key with --tls-key`,
    );
  }
}

function startListening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy =
        error.code === 'EADDRINUSE'
          ? 'another process listens there: choose another port with --listen'
          : 'choose an address of this machine with --listen HOST:PORT';
      reject(
        new LockstepError('E_LISTEN', `cannot listen on ${host}:${port}: ${describeError(error)}; ${remedy}`),
      );
    });
    server.listen(port, host, () => {
      // Later ones concern single connections that could not be accepted, for want of file handles say: not the run.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

/** Open sockets have been told goodbye by then; whoever does not hang up is cut off. */
function closeServer(server: Server, sockets: WebSocketServer): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
    }, 2_000);
    server.close(() => {
      clearTimeout(cutOff);
      resolve();
    });
  });
}

function refuseUnprotected({ host, token, tls, insecure }: ListenAddress): void {
  if (isLoopback(host)) return;
  if (token === undefined) {
    throw new LockstepError(
      'E_LISTEN',
      `${host} can be reached from other machines, so a token is required; give one with LOCKSTEP_TOKEN or --token-file`,
    );
  }
  if (!tls && !insecure) {
    throw new LockstepError(
      'E_LISTEN',
      `${host} can be reached from other machines, and without TLS the token travels in the clear; ` +
        'give --tls-cert and --tls-key, or accept that in a network you trust with --insecure',
    );
  }
}

/** The connection ends with the answer, whatever the request's body was to be. */
function answerPlainRequest(response: ServerResponse): void {
  response
    .writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
    .end('This is a Lockstep coordinator: use "lockstep worker".\n');
}

function showsToken(request: IncomingMessage, token: string): boolean {
  const shown = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  // Digests have one length, so the comparison tells nothing about the token's.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0]!;
}

function peerOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}

function turnAway(socket: Duplex, status: string): void {
  socket.resume(); // what it still sends is not kept
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
